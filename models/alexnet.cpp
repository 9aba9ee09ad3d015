#include "models/alexnet.h"

#include "core/ops/relu.h"
#include "layers/conv.h"
#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/pooling.h"
#include "models/normalisation.h"

namespace hemp::models {
namespace {

/// Of one side of the image, after the convolution of stride 4 and three pools.
int64_t side_of_features(int64_t side, int64_t padding, int64_t window) {
    int64_t left = (side + 2 * padding - 11) / 4 + 1;
    for (int i = 0; i < 3; ++i) {
        left = (left - window) / 2 + 1;
    }
    return left;
}

}  // namespace

Model alexnet(const AlexNet& net, uint64_t seed) {
    const bool        cifar         = net.hidden == 0;
    const int64_t     first_padding = cifar ? 5 : 2;
    const PoolOptions pool          = cifar ? PoolOptions{} : PoolOptions{.window = {3, 3}, .stride = {2, 2}};
    const int64_t     w             = net.width;
    auto conv_at = [&](const char* name, int64_t channels, int64_t filters, int64_t kernel, ConvOptions geometry) {
        return sequential(
            {conv(name, channels, filters, kernel, {.conv = std::move(geometry), .seed = seed}), activation(relu)});
    };
    std::vector<Layer> layers{
        conv_at("features.0", net.image[0], w, 11, {.stride = {4, 4}, .padding = {first_padding, first_padding}}),
        max_pooling(pool),
        conv_at("features.3", w, 3 * w, 5, {.padding = {2, 2}}),
        max_pooling(pool),
        conv_at("features.6", 3 * w, 6 * w, 3, {.padding = {1, 1}}),
        conv_at("features.8", 6 * w, 4 * w, 3, {.padding = {1, 1}}),
        conv_at("features.10", 4 * w, 4 * w, 3, {.padding = {1, 1}}),
        max_pooling(pool),
        flatten(),
    };
    int64_t window   = pool.window[0];
    int64_t features = 4 * w * side_of_features(net.image[1], first_padding, window) *
                       side_of_features(net.image[2], first_padding, window);
    if (cifar) {
        layers.push_back(linear("classifier", features, net.classes, {.seed = seed}));
    } else {
        layers.push_back(dropout("classifier.0", 0.5f, seed));
        layers.push_back(linear("classifier.1", features, net.hidden, {.seed = seed}));
        layers.push_back(activation(relu));
        layers.push_back(dropout("classifier.3", 0.5f, seed));
        layers.push_back(linear("classifier.4", net.hidden, net.hidden, {.seed = seed}));
        layers.push_back(activation(relu));
        layers.push_back(linear("classifier.6", net.hidden, net.classes, {.seed = seed}));
    }
    return of_colour_images(net.name, net.image, net.classes, cifar, std::move(layers));
}

Model alexnet(uint64_t seed, int64_t classes) { return alexnet({.name = "alexnet", .classes = classes}, seed); }
Model alexnet_cifar(uint64_t seed, int64_t classes) {
    return alexnet({.name = "alexnet-cifar", .hidden = 0, .image = {3, 32, 32}, .classes = classes}, seed);
}

}  // namespace hemp::models
