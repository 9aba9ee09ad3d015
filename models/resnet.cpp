#include "models/resnet.h"

#include "core/ops/relu.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pooling.h"
#include "layers/residual.h"
#include "models/normalisation.h"

namespace hemp::models {
namespace {

struct ResNetBuilder {
    const ResNet& net;
    uint64_t      seed;

    Layer conv(const std::string& name, int64_t channels, int64_t filters, int64_t kernel, int64_t stride) const {
        return hemp::conv(name, channels, filters, kernel,
                          {.conv        = {.stride = {stride, stride}, .padding = {kernel / 2, kernel / 2}},
                           .bias        = false,
                           .seed        = seed,
                           .initializer = kaiming_normal_outputs});
    }

    Layer shortcut(const std::string& name, int64_t channels, int64_t filters, int64_t stride) const {
        if (stride == 1 && channels == filters) {
            return {};
        }
        if (net.shortcut == ResNet::Shortcut::subsampled) {
            return subsample(stride, filters);
        }
        return sequential(
            {conv(name + "downsample.0", channels, filters, 1, stride), batch_norm(name + "downsample.1", filters)});
    }

    Layer block(const std::string& name, int64_t channels, int64_t width, int64_t stride) const {
        Layer   branch;
        int64_t filters = width * expansion();
        if (net.block == ResNet::Block::basic) {
            branch = sequential({
                conv(name + "conv1", channels, width, 3, stride),
                batch_norm(name + "bn1", width),
                activation(relu),
                conv(name + "conv2", width, width, 3, 1),
                batch_norm(name + "bn2", width),
            });
        } else {
            branch = sequential({
                conv(name + "conv1", channels, width, 1, 1),
                batch_norm(name + "bn1", width),
                activation(relu),
                conv(name + "conv2", width, width, 3, stride),
                batch_norm(name + "bn2", width),
                activation(relu),
                conv(name + "conv3", width, filters, 1, 1),
                batch_norm(name + "bn3", filters),
            });
        }
        return sequential({residual(std::move(branch), shortcut(name, channels, filters, stride)), activation(relu)});
    }

    Layer stem() const {
        if (net.stem == ResNet::Stem::cifar) {
            return sequential(
                {conv("conv1", net.image[0], net.width, 3, 1), batch_norm("bn1", net.width), activation(relu)});
        }
        return sequential({conv("conv1", net.image[0], net.width, 7, 2), batch_norm("bn1", net.width), activation(relu),
                           max_pooling({.window = {3, 3}, .stride = {2, 2}, .padding = {1, 1}})});
    }

    int64_t expansion() const { return net.block == ResNet::Block::basic ? 1 : 4; }
};

ResNet for_cifar(const char* name, std::vector<int64_t> blocks, int64_t classes,
                 ResNet::Block block = ResNet::Block::basic) {
    return {.name    = name,
            .blocks  = std::move(blocks),
            .block   = block,
            .stem    = ResNet::Stem::cifar,
            .image   = {3, 32, 32},
            .classes = classes};
}

Model thin(const char* name, int64_t n, uint64_t seed, int64_t classes) {
    ResNet net   = for_cifar(name, {n, n, n}, classes);
    net.width    = 16;
    net.shortcut = ResNet::Shortcut::subsampled;
    return resnet(net, seed);
}

}  // namespace

Model resnet(const ResNet& net, uint64_t seed) {
    ResNetBuilder      build{net, seed};
    std::vector<Layer> layers{build.stem()};
    int64_t            channels = net.width;
    for (size_t stage = 0; stage < net.blocks.size(); ++stage) {
        int64_t width = net.width << stage;
        for (int64_t i = 0; i < net.blocks[stage]; ++i) {
            layers.push_back(
                build.block(fmt::format("layer{}.{}.", stage + 1, i), channels, width, stage > 0 && i == 0 ? 2 : 1));
            channels = width * build.expansion();
        }
    }
    layers.push_back(global_average_pooling());
    layers.push_back(linear("fc", channels, net.classes, {.seed = seed}));
    bool cifar = net.stem == ResNet::Stem::cifar;
    return of_colour_images(net.name, net.image, net.classes, cifar, std::move(layers));
}

Model resnet20(uint64_t seed, int64_t classes) { return thin("resnet20", 3, seed, classes); }
Model resnet32(uint64_t seed, int64_t classes) { return thin("resnet32", 5, seed, classes); }
Model resnet44(uint64_t seed, int64_t classes) { return thin("resnet44", 7, seed, classes); }
Model resnet56(uint64_t seed, int64_t classes) { return thin("resnet56", 9, seed, classes); }
Model resnet110(uint64_t seed, int64_t classes) { return thin("resnet110", 18, seed, classes); }

Model resnet18(uint64_t seed, int64_t classes) {
    return resnet({.name = "resnet18", .blocks = {2, 2, 2, 2}, .classes = classes}, seed);
}
Model resnet34(uint64_t seed, int64_t classes) {
    return resnet({.name = "resnet34", .blocks = {3, 4, 6, 3}, .classes = classes}, seed);
}
Model resnet50(uint64_t seed, int64_t classes) {
    return resnet({.name = "resnet50", .blocks = {3, 4, 6, 3}, .block = ResNet::Block::bottleneck, .classes = classes},
                  seed);
}

Model resnet18_cifar(uint64_t seed, int64_t classes) {
    return resnet(for_cifar("resnet18-cifar", {2, 2, 2, 2}, classes), seed);
}
Model resnet34_cifar(uint64_t seed, int64_t classes) {
    return resnet(for_cifar("resnet34-cifar", {3, 4, 6, 3}, classes), seed);
}
Model resnet50_cifar(uint64_t seed, int64_t classes) {
    return resnet(for_cifar("resnet50-cifar", {3, 4, 6, 3}, classes, ResNet::Block::bottleneck), seed);
}

}  // namespace hemp::models
