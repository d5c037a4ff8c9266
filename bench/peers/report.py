"""One JSON line a run: machine, versions, figures."""
import json
import os
import platform
import sys
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


def torch_on(threads):
    """PyTorch on so many threads, its BLAS too; ends the program where there is none. To be called before anything else
    brings a BLAS in."""
    for library in ("OMP", "OPENBLAS", "MKL", "BLIS"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    try:
        import torch
    except ImportError as error:
        sys.exit(f"{error}: apt-get install python3-torch, run with /usr/bin/python3")
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    return torch


def best(step, seconds, calls=1, warm_up=1):
    """The fastest of many groups of `calls`: seconds of this process, which a busy machine disturbs least, a call."""
    for _ in range(warm_up):
        step()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds:
        before = time.process_time()
        for _ in range(calls):
            step()
        times.append((time.process_time() - before) / calls)
    return min(times)


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
