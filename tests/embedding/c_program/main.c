/* Steps randomised CartPoles from C and reads them through DLPack, on every device there is. */
#include <dreamloom.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kN = 100 };

/* Every call returns a status; the message says what was found and what is needed. */
static void ok(dreamloom_status status) {
  if (status == DREAMLOOM_OK) return;
  printf("FAILED: %s\n", dreamloom_last_error());
  exit(1);
}

static void check(int holds, char const* what) {
  printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) exit(1);
}

static void play(char const* device, float* observation) {
  dreamloom_choice gravity = {"gravity", DREAMLOOM_UNIFORM, 5.0f, 15.0f};
  dreamloom_config config = {.environment = "CartPole",
                             .num_envs = kN,
                             .seed = 7,
                             .device = device,
                             .choices = &gravity,
                             .num_choices = 1};
  dreamloom_env* env = NULL;
  int32_t actions[kN];
  uint8_t terminated[kN];
  int i, t, ended = 0;
  ok(dreamloom_create(&config, &env));
  ok(dreamloom_observe(env, observation, DREAMLOOM_HOST));
  for (t = 0; t < 50; ++t) {
    for (i = 0; i < kN; ++i) actions[i] = observation[4 * i + 2] > 0;
    ok(dreamloom_step_discrete(env, actions, DREAMLOOM_HOST));
    ok(dreamloom_observe(env, observation, DREAMLOOM_HOST));
    ok(dreamloom_terminated(env, terminated, DREAMLOOM_HOST));
    for (i = 0; i < kN; ++i) ended += terminated[i];
  }
  dreamloom_statistics statistics;
  ok(dreamloom_get_statistics(env, &statistics));
  check(ended > 0 && statistics.episodes == ended, "every ended episode was counted");

  /* The same numbers without a copy: tiles of 64 instances, (tile, field, lane). */
  DLManagedTensor* tensor = NULL;
  ok(dreamloom_dlpack(env, DREAMLOOM_OBSERVATION, DREAMLOOM_TILES, &tensor));
  ok(dreamloom_destroy(env)); /* the tensor keeps the memory */
  DLTensor const* view = &tensor->dl_tensor;
  check(view->ndim == 3 && view->shape[0] == 2 && view->shape[1] == 4 && view->shape[2] == 64,
        "100 instances are two tiles of four fields");
  if (view->device.device_type == kDLCPU) {
    float const* data = (float const*)((char const*)view->data + view->byte_offset);
    int same = 1;
    for (i = 0; i < kN; ++i)
      for (t = 0; t < 4; ++t)
        same &= observation[4 * i + t] ==
                data[i / 64 * view->strides[0] + t * view->strides[1] + i % 64 * view->strides[2]];
    check(same, "the tensor holds what was observed");
  }
  tensor->deleter(tensor);
}

int main(void) {
  float here[kN * 4], there[kN * 4];
  dreamloom_env* env = NULL;
  dreamloom_config wrong = {.environment = "CartPol", .num_envs = 1};
  int32_t devices = 0;
  dreamloom_spec spec;

  printf("dreamloom %s\n", dreamloom_version());
  check(dreamloom_create(&wrong, &env) == DREAMLOOM_BAD_ARGUMENT && env == NULL &&
            strstr(dreamloom_last_error(), "\"CartPole\"") != NULL,
        dreamloom_last_error());
  check(dreamloom_step(NULL) == DREAMLOOM_BAD_ARGUMENT, dreamloom_last_error());
  ok(dreamloom_environment_spec("CartPole", &spec));
  check(spec.discrete && spec.action_size == 2 && spec.observation_size == 4 &&
            isinf(spec.observation_high[1]),
        "CartPole has two actions and four observations");

  play("cpu", here);
  ok(dreamloom_device_count(&devices));
  if (devices > 0) {
    play("cuda:0", there);
    check(memcmp(here, there, sizeof here) == 0, "the GPU gives the same bits");
  }
  return 0;
}
