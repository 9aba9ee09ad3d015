#include "models/mobilenet.h"

#include "core/ops/relu.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/pooling.h"
#include "layers/residual.h"
#include "models/normalisation.h"

#include <algorithm>
#include <cmath>

namespace hemp::models {
namespace {

/// The nearest multiple of 8, at least 8 and at least 0.9 times `channels`: what the authors' program does.
int64_t multiple_of_8(double channels) {
    int64_t nearest = std::max<int64_t>(8, static_cast<int64_t>(channels + 4) / 8 * 8);
    return static_cast<double>(nearest) < 0.9 * channels ? nearest + 8 : nearest;
}

struct MobileNetBuilder {
    const MobileNetV2& net;
    uint64_t           seed;

    Layer conv(const std::string& name, int64_t channels, int64_t filters, int64_t kernel, int64_t stride,
               int64_t groups = 1) const {
        return hemp::conv(name, channels, filters, kernel,
                          {.conv = {.stride = {stride, stride}, .padding = {kernel / 2, kernel / 2}, .groups = groups},
                           .bias = false,
                           .seed = seed,
                           .initializer = kaiming_normal_outputs});
    }

    /// Convolution NAME.0, batch norm NAME.1, activation.
    Layer active(const std::string& name, int64_t channels, int64_t filters, int64_t kernel, int64_t stride,
                 int64_t groups = 1) const {
        return sequential({conv(name + ".0", channels, filters, kernel, stride, groups),
                           batch_norm(name + ".1", filters), activation(net.cifar ? relu : relu6)});
    }

    struct Block {
        int64_t channels, filters, expansion, stride;
    };

    Layer block(const std::string& name, const Block& block) const {
        int64_t            inner = block.channels * block.expansion;
        std::vector<Layer> layers;
        auto               next = [&] { return fmt::format("{}.conv.{}", name, layers.size()); };
        if (block.expansion != 1 || net.cifar) {
            layers.push_back(active(next(), block.channels, inner, 1, 1));
        }
        layers.push_back(active(next(), inner, inner, 3, block.stride, inner));
        layers.push_back(conv(next(), inner, block.filters, 1, 1));
        layers.push_back(batch_norm(next(), block.filters));
        Layer branch = sequential(std::move(layers));
        if (block.stride == 1 && block.channels == block.filters) {
            return residual(std::move(branch));
        }
        if (block.stride == 1 && net.cifar) {
            return residual(std::move(branch),
                            sequential({conv(name + ".shortcut.0", block.channels, block.filters, 1, 1),
                                        batch_norm(name + ".shortcut.1", block.filters)}));
        }
        return branch;
    }
};

}  // namespace

Model mobilenetv2(const MobileNetV2& net, uint64_t seed) {
    struct Stage {
        int64_t expansion, filters, blocks, stride;
    };
    const Stage stages[] = {
        {1, 16, 1, 1}, {6, 24, 2, net.cifar ? 1 : 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2},
        {6, 320, 1, 1}};

    MobileNetBuilder   build{net, seed};
    int64_t            channels = multiple_of_8(32 * net.width);
    std::vector<Layer> layers{build.active("features.0", net.image[0], channels, 3, net.cifar ? 1 : 2)};
    auto               next = [&] { return fmt::format("features.{}", layers.size()); };
    for (const Stage& stage : stages) {
        int64_t filters = multiple_of_8(static_cast<double>(stage.filters) * net.width);
        for (int64_t i = 0; i < stage.blocks; ++i) {
            layers.push_back(build.block(next(), {channels, filters, stage.expansion, i == 0 ? stage.stride : 1}));
            channels = filters;
        }
    }
    int64_t last = multiple_of_8(1280 * std::max(1.0, net.width));
    layers.push_back(build.active(next(), channels, last, 1, 1));
    layers.push_back(global_average_pooling());
    if (!net.cifar) {
        layers.push_back(dropout("classifier.0", 0.2f, seed));
    }
    layers.push_back(linear("classifier.1", last, net.classes, {.seed = seed, .initializer = small_normal}));
    return of_colour_images(net.name, net.image, net.classes, net.cifar, std::move(layers));
}

Model mobilenetv2(uint64_t seed, int64_t classes) {
    return mobilenetv2({.name = "mobilenetv2", .classes = classes}, seed);
}
Model mobilenetv2_cifar(uint64_t seed, int64_t classes) {
    return mobilenetv2({.name = "mobilenetv2-cifar", .cifar = true, .image = {3, 32, 32}, .classes = classes}, seed);
}

}  // namespace hemp::models
