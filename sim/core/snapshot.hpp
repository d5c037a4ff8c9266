#pragma once
// Copies of instances, at gather speed, on the device they live on.
#include <sim/core/vector_env.hpp>

namespace loom {

/// Saved instance j becomes a copy of instance ids[j]. record, observation: tiles for ids.size
/// instances.
void save_instances(Cpu exec, EnvMemory const& m, In<std::int32_t> ids, Tiles<float> record,
                    Tiles<float> observation);
void save_instances(Gpu exec, EnvMemory const& m, In<std::int32_t> ids, Tiles<float> record,
                    Tiles<float> observation);

/// Instance ids[j] becomes saved instance sources[j]; statistics stay the target's own.
void restore_instances(Cpu exec, EnvMemory const& m, In<std::int32_t> ids, Tiles<float> record,
                       Tiles<float> observation, In<std::int32_t> sources, Stream stream);
void restore_instances(Gpu exec, EnvMemory const& m, In<std::int32_t> ids, Tiles<float> record,
                       Tiles<float> observation, In<std::int32_t> sources, Stream stream);

/// Forgets the finished episodes of every instance.
void clear_statistics(Cpu exec, EnvMemory const& m);
void clear_statistics(Gpu exec, EnvMemory const& m);

}  // namespace loom
