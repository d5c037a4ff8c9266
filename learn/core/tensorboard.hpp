#pragma once
// TensorBoard's event files: protobuf messages in TFRecord frames.
#include <cstdint>
#include <learn/core/metrics.hpp>
#include <string>
#include <string_view>

/// Source: tensorboard/compat/proto/event.proto and summary.proto; TFRecord framing as in
/// tensorflow/core/lib/io/record_writer.h.
namespace loom::tensorboard {

/// One frame: length, its masked CRC-32C, data, its masked CRC-32C.
std::string record(std::string_view data);

/// The first event of every file.
std::string version_event(double wall_time_s);
/// Tells TensorBoard to forget events of earlier files from this step on.
std::string restart_event(double wall_time_s, std::int64_t step);
/// One scalar a metric.
std::string scalars_event(double wall_time_s, std::int64_t step, Metrics const& metrics);

}  // namespace loom::tensorboard
