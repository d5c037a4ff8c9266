#pragma once
// Dreams of pictures as pictures: a film strip or an animation.
#include <learn/dreamer/dream.hpp>
#include <string>

namespace loom {

/// The bytes of a PNG: below each other what happened, its reconstruction, the dream and how far it is
/// off, of the first instance; from left to right up to twelve steps, a bar above those that are dreamed.
std::string dream_strip(DreamReport const& report, int side);

/// The bytes of a GIF: the same four beside each other, up to four instances below each other, a frame a step.
std::string dream_animation(DreamReport const& report, int side, double step_s);

}  // namespace loom
