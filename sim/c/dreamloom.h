/* Dreamloom for C, and for everything that calls C: batches of randomised environments on a CPU or a GPU.
 *
 *   dreamloom_config config = {.environment = "CartPole", .num_envs = 4096, .seed = 1, .device = "cuda:0"};
 *   dreamloom_env* env;
 *   if (dreamloom_create(&config, &env) != DREAMLOOM_OK) puts(dreamloom_last_error());
 *   dreamloom_step_discrete(env, actions, DREAMLOOM_HOST);
 *   dreamloom_observe(env, observations, DREAMLOOM_HOST);
 *   dreamloom_destroy(env);
 *
 * Sizes   N instances, O observation fields, A action fields. All arrays given or filled are row-major.
 * Errors  every function that can fail returns a status and throws nothing; dreamloom_last_error() says what was
 *         found and what is needed. After an error the handle is as it was.
 * Order   on a GPU everything happens in the order of the handle's stream. Calls on DREAMLOOM_DEVICE memory only
 *         submit work to it; calls on DREAMLOOM_HOST memory return when the memory may be read or changed.
 * Threads a handle is used by one thread at a time; different handles are independent. The calling thread's
 *         current CUDA device is left as it was.
 * Strings returned ones live as long as the library.
 */
#ifndef DREAMLOOM_H
#define DREAMLOOM_H

#include <stdint.h>

/* NOLINTBEGIN: this is C, with C's names */
#ifdef __cplusplus
extern "C" {
#endif

typedef enum dreamloom_status {
  DREAMLOOM_OK = 0,
  DREAMLOOM_BAD_ARGUMENT = 1, /* a null pointer, an unknown name, a value outside its range */
  DREAMLOOM_BAD_SHAPE = 2,    /* sizes that do not fit together */
  DREAMLOOM_CUDA_ERROR = 3,   /* the CUDA runtime refused, or there is no such device */
  DREAMLOOM_FAILED = 4        /* anything else, such as memory that is not to be had */
} dreamloom_status;

/* Where an array that is passed lies. */
typedef enum dreamloom_memory {
  DREAMLOOM_HOST = 0,
  DREAMLOOM_DEVICE = 1 /* memory of the handle's device; of a "cpu" handle that is host memory */
} dreamloom_memory;

/* How a parameter is drawn for every new episode. */
typedef enum dreamloom_distribution {
  DREAMLOOM_FIXED = 0,       /* a */
  DREAMLOOM_UNIFORM = 1,     /* from a to b */
  DREAMLOOM_LOG_UNIFORM = 2, /* from a > 0 to b, its logarithm uniform */
  DREAMLOOM_NORMAL = 3       /* mean a, deviation b, clipped to the admissible range */
} dreamloom_distribution;

/* What a restored instance does for random numbers. */
typedef enum dreamloom_stream {
  DREAMLOOM_RESUME = 0, /* continues those of the saved instance */
  DREAMLOOM_FORK = 1    /* keeps its own, so that many restores of one state go different ways */
} dreamloom_stream;

typedef struct dreamloom_env dreamloom_env;           /* a batch of instances */
typedef struct dreamloom_snapshot dreamloom_snapshot; /* saved instances */

/* One parameter's distribution; parameters not named keep their default. */
typedef struct dreamloom_choice {
  char const* name;
  dreamloom_distribution distribution;
  float a, b; /* in the parameter's unit */
} dreamloom_choice;

/* What to create; zero means the default where one is named. */
typedef struct dreamloom_config {
  char const* environment; /* "CartPole": see dreamloom_environment_name() */
  int32_t num_envs;        /* N >= 1 */
  uint64_t seed;           /* the same seed gives the same bits on every device */
  char const* device;      /* "cpu" (default), "cuda" or "cuda:n" */
  void* stream;            /* a cudaStream_t of that device, not owned; NULL: its default stream */
  int32_t threads;         /* of a "cpu" handle; 0 or 1: the calling thread alone */
  int32_t first_instance;  /* global number of instance 0: batches may be split, same bits */
  int32_t max_steps;       /* time limit of an episode in steps; 0: the environment's own */
  dreamloom_choice const* choices; /* [num_choices] */
  int32_t num_choices;
} dreamloom_config;

/* What an environment is like. */
typedef struct dreamloom_spec {
  char const* name;
  char const* summary;
  char const* source;            /* where its equations and constants come from */
  int32_t discrete;              /* 1: an action is one int32, 0 ... action_size - 1; 0: floats */
  int32_t action_size;           /* choices (discrete) or dimensions (continuous) */
  int32_t action_fields;         /* A: 1, or action_size when continuous */
  float action_low, action_high; /* every action dimension is clipped to these */
  int32_t observation_size;      /* O */
  float const* observation_low;  /* [O]; infinite where unbounded */
  float const* observation_high; /* [O] */
  int32_t max_steps;             /* truncated after so many */
  int32_t num_parameters;
} dreamloom_spec;

/* A named physical constant. */
typedef struct dreamloom_parameter {
  char const* name;
  char const* unit;
  float value;     /* default */
  float low, high; /* admissible range */
} dreamloom_parameter;

/* Of the episodes that ended since they were last cleared. Means are 0 without episodes. */
typedef struct dreamloom_statistics {
  int64_t episodes;
  double mean_return, mean_length; /* length in steps */
  double mean_first_return;        /* of each instance's first episode since then */
  int32_t instances_finished;      /* instances with at least one */
} dreamloom_statistics;

/* ---- what there is ---- */

/* "0.1" */
char const* dreamloom_version(void);
/* What this thread's last failed call found and what it needs; "" before the first. Valid until the next one. */
char const* dreamloom_last_error(void);
/* Usable CUDA devices; 0 in a build without CUDA or without a device. */
dreamloom_status dreamloom_device_count(int32_t* count);

/* Environments are numbered from 0 in the order of their names. */
dreamloom_status dreamloom_environment_count(int32_t* count);
dreamloom_status dreamloom_environment_name(int32_t index, char const** name);
dreamloom_status dreamloom_environment_spec(char const* environment, dreamloom_spec* spec);
dreamloom_status dreamloom_environment_parameter(char const* environment, int32_t index,
                                                 dreamloom_parameter* parameter);

/* ---- a batch ---- */

/* Creates and resets N instances. *env is NULL after an error. */
dreamloom_status dreamloom_create(dreamloom_config const* config, dreamloom_env** env);
/* Frees the handle; NULL does nothing. Tensors and snapshots taken from it stay valid. */
dreamloom_status dreamloom_destroy(dreamloom_env* env);
/* The spec of the batch's environment, with the batch's own time limit. */
dreamloom_status dreamloom_env_spec(dreamloom_env const* env, dreamloom_spec* spec);
dreamloom_status dreamloom_num_envs(dreamloom_env const* env, int32_t* num_envs);

/* Starts every instance's current episode anew, with parameters as they are now distributed. */
dreamloom_status dreamloom_reset(dreamloom_env* env);

/* One step of every instance. An episode that ends is followed by the next one at once: the observation is then
 * the new episode's first, dreamloom_final_observe() gives the old one's last.
 * actions: (N). Indices outside the space are an error in host memory and the nearest valid one on a device. */
dreamloom_status dreamloom_step_discrete(dreamloom_env* env, int32_t const* actions,
                                         dreamloom_memory where);
/* actions: (N, A), clipped to the space. */
dreamloom_status dreamloom_step_continuous(dreamloom_env* env, float const* actions,
                                           dreamloom_memory where);
/* Steps with what lies in the handle's own action buffer: see DREAMLOOM_ACTION below. Indices are not checked. */
dreamloom_status dreamloom_step(dreamloom_env* env);
/* Steps with uniform actions drawn inside. */
dreamloom_status dreamloom_step_random(dreamloom_env* env);

/* Copies of what the last step or reset left. observation: (N, O) in the units of the environment's file. */
dreamloom_status dreamloom_observe(dreamloom_env* env, float* observation, dreamloom_memory where);
/* (N, O): the last observation of the episode that each instance finished last; 0 before the first. */
dreamloom_status dreamloom_final_observe(dreamloom_env* env, float* observation,
                                         dreamloom_memory where);
/* (N) */
dreamloom_status dreamloom_reward(dreamloom_env* env, float* reward, dreamloom_memory where);
/* (N): 1 where the last step ended the episode by the task's own rules. */
dreamloom_status dreamloom_terminated(dreamloom_env* env, uint8_t* terminated,
                                      dreamloom_memory where);
/* (N): 1 where it ended by the time limit alone. */
dreamloom_status dreamloom_truncated(dreamloom_env* env, uint8_t* truncated,
                                     dreamloom_memory where);

/* Changes distributions for the episodes to come; parameters not named stay as they were. All or nothing. */
dreamloom_status dreamloom_randomise(dreamloom_env* env, dreamloom_choice const* choices,
                                     int32_t num_choices);
/* value: (N), host memory: one parameter of every instance's current episode. */
dreamloom_status dreamloom_parameter_values(dreamloom_env* env, char const* name, float* value);

dreamloom_status dreamloom_get_statistics(dreamloom_env* env, dreamloom_statistics* statistics);
dreamloom_status dreamloom_clear_statistics(dreamloom_env* env);
/* Pictures of the first `count` instances. image: (count, height, width, 3) bytes red green blue, top row first. */
dreamloom_status dreamloom_render(dreamloom_env* env, int32_t count, int32_t height, int32_t width,
                                  uint8_t* image, dreamloom_memory where);
/* Waits until everything submitted to the handle's stream is done. */
dreamloom_status dreamloom_synchronize(dreamloom_env* env);

/* ---- snapshots ---- */

/* Copies `count` instances bit for bit, on the device. ids: (count), each in [0, N), host memory. */
dreamloom_status dreamloom_save(dreamloom_env* env, int32_t const* ids, int32_t count,
                                dreamloom_snapshot** snapshot);
/* Instance ids[j] becomes saved instance sources[j]; no id twice. ids, sources: (count), host memory. The snapshot
 * may come from another batch of the same environment on the same device. */
dreamloom_status dreamloom_restore(dreamloom_env* env, dreamloom_snapshot const* snapshot,
                                   int32_t const* ids, int32_t const* sources, int32_t count,
                                   dreamloom_stream stream);
/* NULL does nothing. */
dreamloom_status dreamloom_snapshot_destroy(dreamloom_snapshot* snapshot);

/* ---- DLPack ---- */

typedef enum dreamloom_array {
  DREAMLOOM_OBSERVATION = 0,       /* float32, O fields */
  DREAMLOOM_FINAL_OBSERVATION = 1, /* float32, O fields */
  DREAMLOOM_ACTION = 2,            /* float32, A fields; int32, 1 field when discrete */
  DREAMLOOM_REWARD = 3,            /* float32 */
  DREAMLOOM_TERMINATED = 4,        /* uint8 */
  DREAMLOOM_TRUNCATED = 5          /* uint8 */
} dreamloom_array;

typedef enum dreamloom_layout {
  /* No copy: the batch's own memory, which steps write and action buffers are written through. Instance i lies in
   * tile i / 64 at lane i % 64: shape (ceil(N / 64), fields, 64). Lanes of the last tile from N on are padding.
   * Reward, terminated and truncated: shape (N). */
  DREAMLOOM_TILES = 0,
  /* A contiguous copy: shape (N, fields); reward, terminated and truncated: (N). */
  DREAMLOOM_ROWS = 1
} dreamloom_layout;

struct DLManagedTensor;

/* One array of the batch as a DLPack tensor, on the handle's device. Whoever takes it calls tensor->deleter(tensor);
 * the memory lives until then, even when the handle is destroyed first. Work on the handle's stream may still be
 * writing it: use that stream, or call dreamloom_synchronize(). */
dreamloom_status dreamloom_dlpack(dreamloom_env* env, dreamloom_array array,
                                  dreamloom_layout layout, struct DLManagedTensor** tensor);

#ifdef __cplusplus
}
#endif

/* The ABI of DLPack 1.0, as far as it is used here. The original header is taken where it is found; one that lies
 * elsewhere goes before this one. */
#ifdef __has_include
#if __has_include(<dlpack/dlpack.h>)
#include <dlpack/dlpack.h>
#endif
#endif
#ifndef DLPACK_DLPACK_H_
#define DLPACK_DLPACK_H_
#ifdef __cplusplus
extern "C" {
typedef enum : int32_t {
#else
typedef enum {
#endif
  kDLCPU = 1,
  kDLCUDA = 2
} DLDeviceType;
typedef struct {
  DLDeviceType device_type;
  int32_t device_id;
} DLDevice;
typedef enum { kDLInt = 0U, kDLUInt = 1U, kDLFloat = 2U } DLDataTypeCode;
typedef struct {
  uint8_t code, bits;
  uint16_t lanes;
} DLDataType;
typedef struct {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides; /* in elements */
  uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(struct DLManagedTensor* self);
} DLManagedTensor;
#ifdef __cplusplus
}
#endif
#endif
/* NOLINTEND */

#endif
