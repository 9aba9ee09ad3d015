#include "models/vgg.h"

#include "core/ops/relu.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/pooling.h"
#include "models/normalisation.h"

namespace hemp::models {
namespace {

/// Adds conv, batch norm and ReLU; the names count layers as torchvision's nn.Sequential does.
void add_conv(std::vector<Layer>& layers, int64_t channels, int64_t filters, const Vgg& net, uint64_t seed) {
    layers.push_back(conv(
        fmt::format("features.{}", layers.size()), channels, filters, 3,
        {.conv = {.padding = {1, 1}}, .bias = net.conv_bias, .seed = seed, .initializer = kaiming_normal_outputs}));
    layers.push_back(batch_norm(fmt::format("features.{}", layers.size()), filters));
    layers.push_back(activation(relu));
}

}  // namespace

Model vgg(const Vgg& net, uint64_t seed) {
    struct Stage {
        int     convs;
        int64_t filters;
    };
    std::vector<Layer> layers;
    int64_t            channels = net.image[0];
    for (const Stage& stage : {Stage{2, net.width}, Stage{2, 2 * net.width}, Stage{3, 4 * net.width},
                               Stage{3, 8 * net.width}, Stage{3, 8 * net.width}}) {
        for (int i = 0; i < stage.convs; ++i) {
            add_conv(layers, channels, stage.filters, net, seed);
            channels = stage.filters;
        }
        layers.push_back(max_pooling());
    }
    layers.push_back(flatten());
    int64_t       features = channels * (net.image[1] / 32) * (net.image[2] / 32);
    LinearOptions options{.seed = seed, .initializer = small_normal};
    if (net.hidden == 0) {
        layers.push_back(linear("classifier", features, net.classes, options));
    } else {
        layers.push_back(linear("classifier.0", features, net.hidden, options));
        layers.push_back(activation(relu));
        layers.push_back(dropout("classifier.2", 0.5f, seed));
        layers.push_back(linear("classifier.3", net.hidden, net.hidden, options));
        layers.push_back(activation(relu));
        layers.push_back(dropout("classifier.5", 0.5f, seed));
        layers.push_back(linear("classifier.6", net.hidden, net.classes, options));
    }
    bool cifar = net.hidden == 0;
    return of_colour_images(net.name, net.image, net.classes, cifar, std::move(layers));
}

Model vgg16(uint64_t seed, int64_t classes) { return vgg({.name = "vgg16", .classes = classes}, seed); }
Model vgg16_cifar(uint64_t seed, int64_t classes) {
    return vgg({.name = "vgg16-cifar", .hidden = 0, .conv_bias = false, .image = {3, 32, 32}, .classes = classes},
               seed);
}

}  // namespace hemp::models
