#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/run_folder.h"
#include "hemp/package.h"

#include "core/file/safetensors.h"

namespace fs = std::filesystem;

namespace hemp {
namespace {

struct DecompressArguments {
    std::string file;
    fs::path    output;
};

int decompress(const DecompressArguments& arguments, const Settings& settings) {
    Bytes    bytes = read_file(arguments.file, settings.file_memory());
    HempFile file  = decode(bytes, arguments.file, model_spec, {.max_memory = settings.file_memory()});
    Metadata metadata;
    if (!file.model.empty()) {
        metadata["model"] = file.model;
    }
    if (!file.mean.empty()) {
        metadata[normalisation_key] = normalisation_text(file.mean, file.std);
    } else if (!file.model.empty()) {  // inputs as they are; without a word, the model's own would be meant
        size_t channels             = model_spec(file.model)->mean.size();
        metadata[normalisation_key] = normalisation_text(std::vector<float>(channels), std::vector<float>(channels, 1));
    }
    if (!file.classes.empty()) {
        metadata[classes_key] = text_of(file.classes);
    }
    fs::path output =
        arguments.output.empty() ? fs::path(arguments.file).replace_extension(".safetensors") : arguments.output;
    check_replaced(output, arguments.file, "plain .safetensors file", [](std::string_view start) {
        bool is_checkpoint = start.find("hemp.checksum") != std::string_view::npos;
        return start.size() > 8 && start[8] == '{' && start.find("data_offsets") != std::string_view::npos &&
               !is_checkpoint;
    });
    std::vector<NamedBytes> tensors;
    for (QuantizedTensor& tensor : file.tensors) {
        tensors.push_back({tensor.name, {tensor.shape, DType::f32}, dequantize_in_place(tensor)});
    }
    write_safetensors(output, tensors, metadata);
    return 0;
}

}  // namespace

Action add_decompress(Command& command) {
    auto arguments = std::make_shared<DecompressArguments>();
    command.option("FILE", arguments->file, "A .hemp file").required();
    command.option("-o,--output", arguments->output, "Default: FILE with .safetensors");
    return [arguments](const Settings& settings) { return decompress(*arguments, settings); };
}

}  // namespace hemp
