"""One JSON line a run: machine, versions, figures."""
import json
import os
import platform
import time


def cpu():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def blas():
    """The BLAS libraries mapped into this process, by their real paths."""
    with open("/proc/self/maps") as file:
        paths = {line.split()[-1] for line in file if "/" in line}
    return sorted(path for path in paths if "blas" in os.path.basename(path).lower()
                  or "mkl" in os.path.basename(path).lower())


def report(peer, versions, figures, **more):
    machine = {"cpu": cpu(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2),
               "python": platform.python_version()}
    print(json.dumps({"peer": peer, "machine": machine, "versions": versions, **more,
                      "figures": figures}), flush=True)


def steps_per_second(step, instances, seconds):
    """Calls step() for about `seconds` after a warm-up of a tenth of them."""
    def calls_in(limit):
        calls, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < limit:
            step()
            calls += 1
        return calls / passed

    calls_in(0.1 * seconds)
    return round(calls_in(seconds) * instances)
