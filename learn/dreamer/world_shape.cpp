#include <learn/dreamer/world_shape.hpp>

namespace loom {
namespace {

/// f(name, shape, stream) for every part; shape is a stack's, or that of pictures.
template <class F>
void each_part(WorldShape const& s, F const& f) {
  auto const sense = [&](char const* name, Stack::Shape const& numbers, std::uint32_t stream) {
    if (s.images)
      f(name, *s.images, stream);
    else
      f(name, numbers, stream);
  };
  sense("encoder", s.encoder(), 1000U);
  f("prior", s.rssm.prior(), 2000U);
  f("posterior", s.rssm.posterior(), 3000U);
  sense("decoder", s.decoder(), 4000U);
  f("reward", s.reward(), 5000U);
  if (s.continues) f("continue", s.goes_on(), 6000U);
}

bool encodes(std::string const& name) { return name == "encoder"; }

}  // namespace

std::vector<ParameterShape> world_parameters(WorldShape const& shape) {
  std::vector<ParameterShape> all = recurrence_parameters("recurrence", shape.rssm);
  each_part(shape, [&]<class Shape>(std::string const& name, Shape const& part, std::uint32_t) {
    std::vector<ParameterShape> of;
    if constexpr (std::is_same_v<Shape, ImageShape>)
      of = encodes(name) ? image_encoder_parameters(name, part)
                         : image_decoder_parameters(name, part);
    else
      of = stack_parameters(name, part);
    all.insert(all.end(), of.begin(), of.end());
  });
  return all;
}

void initialise_world(Exec const& exec, WorldShape const& shape, std::uint64_t seed,
                      Parameters& parameters) {
  initialise_recurrence(exec, shape.rssm, seed, 0, parameters, "recurrence");
  each_part(shape,
            [&]<class Shape>(std::string const& name, Shape const& part, std::uint32_t stream) {
              if constexpr (!std::is_same_v<Shape, ImageShape>)
                initialise_stack(exec, part, seed, stream, parameters, name);
              else if (encodes(name))
                initialise_image_encoder(exec, part, seed, stream, parameters, name);
              else
                initialise_image_decoder(exec, part, seed, stream, parameters, name);
            });
}

}  // namespace loom
