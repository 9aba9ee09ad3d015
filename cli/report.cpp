// One page about a run: what it did over time, what its file is made of, and where it is wrong.

#include "cli/chart.h"
#include "cli/command.h"
#include "cli/contents.h"
#include "cli/evaluate.h"
#include "cli/input.h"
#include "cli/page.h"
#include "cli/run_folder.h"
#include "core/file/checkpoint.h"
#include "datasets/png.h"
#include "hemp/package.h"
#include "models/description.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <map>

namespace fs = std::filesystem;

namespace hemp {
namespace {

struct ReportArguments {
    fs::path    folder;
    fs::path    output;
    std::string data;
    DataOptions images;
};

// ---------------------------------------------------------------- over time

Series over_epochs(const std::string& name, const std::vector<Json>& metrics, const char* key) {
    Series series{name, {}};
    for (const Json& entry : metrics) {
        if (entry.contains(key) && entry[key].is_number()) {
            series.points.push_back({entry["epoch"], entry[key]});
        }
    }
    return series;
}

/// The entropy of the order that was minimised or watched.
Series entropy_over_epochs(const std::vector<Json>& metrics) {
    Series series{"", {}};
    for (const Json& entry : metrics) {
        Json bits = entry.value("entropy_bits", Json::object());
        if (bits.is_object() && !bits.empty() && bits.begin()->is_number()) {
            series.name = "entropy of order " + bits.begin().key();
            series.points.push_back({entry["epoch"], *bits.begin()});
        }
    }
    return series;
}

void add_training(Page& page, const std::vector<Json>& metrics) {
    page.section("Training");
    if (metrics.empty()) {
        page.say("No epoch has ended yet.");
        return;
    }
    auto chart = [&](const std::string& id, const std::string& caption, const Axis& y, std::vector<Series> series) {
        std::erase_if(series, [](const Series& each) { return each.points.empty(); });
        if (!series.empty()) {
            page.chart(id, caption, line_chart(caption, {.label = "epoch", .whole = true}, y, series));
        }
    };
    page.start_charts();
    chart("loss", "Loss: what training minimises, and the cross-entropy of the held-out images",
          {.label = "nats", .logarithmic = true},
          {over_epochs("training", metrics, "loss"), over_epochs("held out", metrics, "val_loss")});
    chart("accuracy", "Accuracy of the held-out images", {.label = "percent"},
          {over_epochs("accuracy", metrics, "accuracy")});
    chart("bits", "What a weight takes", {.label = "bits", .logarithmic = true},
          {entropy_over_epochs(metrics), over_epochs("whole file", metrics, "bits_per_weight")});
    chart("bytes", "Size of the file", {.label = "bytes", .logarithmic = true, .whole = true},
          {over_epochs("file", metrics, "bytes")});
    chart("zeros", "Share of weights that are zero", {.label = "share"}, {over_epochs("zeros", metrics, "zeros")});
    page.end_charts();
    if (!metrics.back().contains("accuracy")) {
        page.say("The run held no images out: accuracy was not measured while it trained.");
    }
}

struct Round {
    double   entropy  = 0;  ///< its coefficient
    uint64_t bytes    = 0;
    double   accuracy = 0;
    bool     reached  = false;
};

/// The rounds of a search for a target, as the run's state has them; none where there was no search.
std::vector<Round> rounds_of(const fs::path& folder, const RunOptions& options, size_t max_memory) {
    std::vector<Round> rounds;
    if (!options.has_target() || !fs::exists(folder / "last.ckpt")) {
        return rounds;
    }
    const Loaded state = load_newest_valid(folder / "last.ckpt", max_memory);
    if (!state.warning.empty()) {
        tell(fmt::format("hemp: {}\n", state.warning));
    }
    auto path = state.checkpoint.metadata.find("path");
    if (path == state.checkpoint.metadata.end()) {
        return rounds;
    }
    try {
        for (const Json& each : parse_json(path->second)) {
            rounds.push_back({each.at("entropy"), each.at("bytes"), each.at("accuracy"), each.at("target_reached")});
        }
    } catch (const Json::exception&) {
        fail<DataError>("{}: metadata 'path' lists no rounds of a search; it was not written by this program",
                        (folder / "last.ckpt").string());
    }
    return rounds;
}

/// A line at the target over all the points.
Series target_line(const std::vector<Point>& points, const Manifest& manifest) {
    Series line{"wanted", {}, true};
    auto [left, right] = std::ranges::minmax(points, {}, &Point::x);
    auto [low, high]   = std::ranges::minmax(points, {}, &Point::y);
    Json least         = manifest.json.value("least_accuracy", Json());
    if (least.is_number()) {
        std::string note = fmt::format("at least {:.2f} %", least.get<double>());
        line.points      = {{left.x, least, note}, {right.x, least, note}};
    } else if (manifest.options.target_bytes > 0) {
        auto        most = static_cast<double>(manifest.options.target_bytes);
        std::string note = fmt::format("at most {} bytes", grouped(manifest.options.target_bytes));
        line.points      = {{most, low.y, note}, {most, high.y, note}};
    }
    return line;
}

///   file_bytes  of the file that the run gives, 0 where there is none
void add_path(Page& page, const Manifest& manifest, const std::vector<Json>& metrics, const std::vector<Round>& rounds,
              size_t file_bytes) {
    Series epochs{"epochs", {}, false}, path{"rounds", {}, true}, file{"the file", {}, false};
    for (const Json& entry : metrics) {
        Json bytes = entry.value("bytes", Json()), accuracy = entry.value("accuracy", Json());
        if (bytes.is_number() && accuracy.is_number()) {
            epochs.points.push_back({bytes, accuracy,
                                     fmt::format("epoch {}: {} bytes, {:.2f} %", entry["epoch"].get<int64_t>(),
                                                 grouped(bytes.get<uint64_t>()), accuracy.get<double>())});
            if (bytes == file_bytes && (file.points.empty() || accuracy > file.points[0].y)) {
                file.points = {epochs.points.back()};
            }
        }
    }
    if (epochs.points.empty()) {
        return;
    }
    Rows rows{{"round", "entropy", "bytes", "accuracy, %", "target"}};
    for (const Round& each : rounds) {
        path.points.push_back({static_cast<double>(each.bytes), each.accuracy,
                               fmt::format("round {}: entropy {:.3g}", rows.size(), each.entropy)});
        rows.push_back({std::to_string(rows.size()), fmt::format("{:.3g}", each.entropy), grouped(each.bytes),
                        fmt::format("{:.2f}", each.accuracy), each.reached ? "reached" : "missed"});
    }
    page.section("Size against accuracy");
    std::vector<Series> series{file, path, target_line(epochs.points, manifest), epochs};  // the first one on top
    std::erase_if(series, [](const Series& each) { return each.points.empty(); });
    page.start_charts();
    page.chart("path", "Accuracy of the held-out images and size of the file, after each epoch",
               line_chart("Accuracy against size of the file", {.label = "bytes", .logarithmic = true, .whole = true},
                          {.label = "percent"}, series));
    page.end_charts();
    if (!rounds.empty()) {
        page.table(rows);
    }
}

// ---------------------------------------------------------------- tensors

/// A bar for each value of a tensor as the file has it; none where there are too many for that.
std::vector<Point> counted_levels(const QuantizedTensor& tensor) {
    constexpr size_t           most = 256;
    std::map<int32_t, int64_t> counts;
    for (int32_t symbol : tensor.symbols) {
        ++counts[symbol];
        if (counts.size() > most) {
            return {};
        }
    }
    std::vector<Point> bars;
    for (const auto& [symbol, count] : counts) {
        double value = tensor.levels.empty() ? static_cast<double>(symbol) * static_cast<double>(tensor.step)
                                             : static_cast<double>(tensor.levels.at(static_cast<size_t>(symbol)));
        bars.push_back({value, static_cast<double>(count),
                        fmt::format("{:.6g}: {} weights, {:.2f} %", value, grouped(static_cast<uint64_t>(count)),
                                    100.0 * static_cast<double>(count) / static_cast<double>(tensor.symbols.size()))});
    }
    return bars;
}

/// A bar for each of 64 equal ranges of the finite values.
std::vector<Point> counted_ranges(std::span<const float> values) {
    constexpr size_t bins = 64;
    double           low = HUGE_VAL, high = -HUGE_VAL;
    for (float value : values) {
        if (std::isfinite(value)) {
            low  = std::min(low, static_cast<double>(value));
            high = std::max(high, static_cast<double>(value));
        }
    }
    double               width = high > low ? (high - low) / bins : 1;
    std::vector<int64_t> counts(bins);
    for (float value : values) {
        if (std::isfinite(value)) {
            auto bin = static_cast<size_t>((static_cast<double>(value) - low) / width);
            ++counts[std::min(bin, bins - 1)];
        }
    }
    std::vector<Point> bars;
    for (size_t i = 0; i < bins; ++i) {
        if (counts[i] > 0) {
            bars.push_back({low + (static_cast<double>(i) + 0.5) * width, static_cast<double>(counts[i])});
        }
    }
    return bars;
}

void add_histograms(Page& page, const std::vector<std::pair<std::string, std::vector<Point>>>& tensors) {
    page.section("Values");
    page.say("How often each value occurs; heights are logarithms.");
    page.start_charts();
    for (size_t i = 0; i < tensors.size(); ++i) {
        page.chart(fmt::format("values-{}", i), "", histogram(tensors[i].first, tensors[i].second), true);
    }
    page.end_charts();
}

void add_file(Page& page, const HempFile& file, const FileSummary& summary) {
    page.section("The file");
    std::vector<NamedValue> tensors;
    for (const TensorSummary& each : summary.tensors) {
        uint64_t bytes      = each.bytes();
        double   per_weight = 8.0 * static_cast<double>(bytes) / static_cast<double>(each.shape.size());
        tensors.push_back({each.name, static_cast<double>(bytes),
                           fmt::format("{}, {:.3f} bits a weight", grouped(bytes), per_weight)});
    }
    page.start_charts();
    page.chart("tensors", "Bytes by tensor", row_chart("Bytes by tensor", tensors));
    page.end_charts();
    Rows rows{{"part", "bytes"}};
    for (const auto& [name, bytes] : summary.parts) {
        rows.push_back({name, grouped(bytes)});
    }
    page.table(rows);
    const Json contents = contents_of(file, summary);
    page.table(saved_rows(contents));
    page.table(tensor_rows(contents), true, 3);
    page.say(about_entropies);
    std::vector<std::pair<std::string, std::vector<Point>>> histograms;
    for (const QuantizedTensor& each : file.tensors) {
        std::vector<Point> bars = counted_levels(each);
        histograms.emplace_back(each.name, bars.empty() ? counted_ranges(dequantize(each).values<float>()) : bars);
    }
    add_histograms(page, histograms);
}

void add_values(Page& page, const Model& model) {
    std::vector<std::pair<std::string, std::vector<Point>>> histograms;
    for (const Parameter& each : model.parameters()) {
        histograms.emplace_back(each.name, counted_ranges(value_of(each.variable).values<float>()));
    }
    add_histograms(page, histograms);
}

// ---------------------------------------------------------------- mistakes

struct Mistake {
    int64_t image;
    size_t  truth, taken;
    double  probability;
};

struct Outcome {
    Evaluation evaluation;
    std::map<std::pair<size_t, size_t>, int64_t>
                         confusion;  ///< images by true and predicted class, where there are any
    std::vector<Mistake> mistakes;   ///< the most confident first
};

Outcome outcome_of(const Model& model, const Dataset& test, const Settings& settings) {
    Outcome result;
    auto    see = [&](const Prediction& each) {
        auto truth = static_cast<size_t>(each.label), taken = static_cast<size_t>(each.best);
        ++result.confusion[{truth, taken}];
        if (taken != truth) {
            auto probability = static_cast<double>(each.probabilities[taken]);
            result.mistakes.push_back({each.image, truth, taken, std::isfinite(probability) ? probability : 0});
        }
    };
    result.evaluation = Evaluator(model, evaluation_batch(model), true, settings.program_memory())
                            .run(test, settings.loader_threads, see);
    std::ranges::stable_sort(result.mistakes, std::ranges::greater(), &Mistake::probability);
    return result;
}

std::string base64(std::span<const std::byte> bytes) {
    constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string           text;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t three = 0;
        for (size_t k = 0; k < 3; ++k) {
            three = three << 8 | (i + k < bytes.size() ? std::to_integer<uint32_t>(bytes[i + k]) : 0);
        }
        for (size_t k = 0; k < 4; ++k) {
            text += i + k <= bytes.size() ? digits[three >> (18 - 6 * k) & 63] : '=';
        }
    }
    return text;
}

/// A map of the classes that the images have or are taken for, where they are few enough to be seen.
void add_confusion(Page& page, const Outcome& outcome, const std::vector<std::string>& names) {
    constexpr size_t         most = 100;
    std::map<size_t, size_t> places;  // of the classes that are shown
    for (const auto& [classes, count] : outcome.confusion) {
        places[classes.first] = places[classes.second] = 0;
    }
    if (places.size() > most) {
        return;
    }
    std::vector<std::string> shown_names;
    for (auto& [k, place] : places) {
        place = shown_names.size();
        shown_names.push_back(names[k]);
    }
    std::vector<std::vector<int64_t>> counts(places.size(), std::vector<int64_t>(places.size()));
    for (const auto& [classes, count] : outcome.confusion) {
        counts[places[classes.first]][places[classes.second]] = count;
    }
    page.start_charts();
    page.chart("confusion", "Confusion of classes", heat_map("Confusion of classes", shown_names, counts));
    page.end_charts();
}

void add_mistakes(Page& page, const Dataset& test, const Outcome& outcome, const std::vector<std::string>& names) {
    constexpr size_t most_pictures = 24, most_pairs = 10;
    page.section("Mistakes");
    page.say(fmt::format("Of {} test images, {} are wrong.", grouped(static_cast<uint64_t>(outcome.evaluation.images)),
                         grouped(outcome.mistakes.size())));
    add_confusion(page, outcome, names);
    struct Pair {
        size_t  truth, taken;
        int64_t count;
    };
    std::vector<Pair> pairs;
    for (const auto& [classes, count] : outcome.confusion) {
        if (auto [truth, taken] = classes; truth != taken) {
            pairs.push_back({truth, taken, count});
        }
    }
    std::ranges::stable_sort(pairs, std::ranges::greater(), &Pair::count);
    pairs.resize(std::min(pairs.size(), most_pairs));
    if (pairs.empty()) {
        return;
    }
    Rows rows{{"true class", "taken for", "images"}};
    for (const Pair& each : pairs) {
        rows.push_back({names[each.truth], names[each.taken], std::to_string(each.count)});
    }
    page.table(rows, true, 2);
    page.say("The most confident mistakes:");
    page.add("<div class=\"pictures\" id=\"pictures\">");
    for (const Mistake& each : std::span(outcome.mistakes).first(std::min(outcome.mistakes.size(), most_pictures))) {
        std::string what =
            fmt::format("{}, taken for {} ({:.1f} %)", names[each.truth], names[each.taken], 100 * each.probability);
        page.add(fmt::format("<figure><img alt=\"{0}\" src=\"data:image/png;base64,{1}\">{0}</figure>", escaped(what),
                             base64(encode_png(test.images[each.image]))));
    }
    page.add("</div>");
}

// ---------------------------------------------------------------- the page

/// As a shell takes it.
std::string shell_quoted(const std::string& text) {
    auto plain = [](unsigned char c) { return std::isalnum(c) || std::strchr("/._-+=,:@%", c) != nullptr; };
    if (!text.empty() && std::ranges::all_of(text, plain)) {
        return text;
    }
    std::string result = "'";
    for (char c : text) {
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return result + "'";
}

std::string quoted_source(const Json& value) {
    std::string text = value.is_string() ? value.get<std::string>() : text_of(value);
    return is_description(text) ? "MODEL.json" : shell_quoted(text);
}

/// The command of the run, of its last resumption where there was one: what decides about the result, as far as it is
/// not the default. A description stands for its file.
std::string command_text(const Manifest& manifest) {
    const Json        defaults = to_json(RunOptions{});
    const Json        options  = to_json(manifest.options);
    const std::string subject  = options["input"] != "" ? "input" : "model";
    std::string       text     = "hemp " + manifest.command + " " + quoted_source(options[subject]);
    for (const auto& [key, value] : options.items()) {
        if (defaults[key] != value && key != subject) {
            text += " " + (key == "model" ? "--model" : flag_of(key));
            if (!value.is_boolean()) {
                text += " " + quoted_source(value);
            }
        }
    }
    return text;
}

/// The network as the run's file or checkpoint has it.
struct Subject {
    Model                    model;
    std::vector<std::string> classes;
    Bytes                    packed;  ///< the .hemp file; empty: the run has none
    HempFile                 file;
};

Subject subject_of(const fs::path& folder, const Settings& settings) {
    fs::path hemp = folder / "model.hemp";
    if (!fs::exists(hemp)) {
        Input input = read_input(folder, "", settings.program_memory());
        return {std::move(input.model), std::move(input.classes), {}, {}};
    }
    Bytes    packed = read_file(hemp, settings.file_memory());
    HempFile file   = decode(packed, hemp.string(), model_spec, {.max_memory = settings.file_memory()});
    Model    model  = build_model(file.model, 1);
    load(model, file, hemp.string());
    std::vector<std::string> classes = file.classes;
    return {std::move(model), std::move(classes), std::move(packed), std::move(file)};
}

/// Throws UsageError, before anything is computed, where the page would replace what the run needs.
void check_page(const fs::path& output, const fs::path& folder) {
    check_outside_run(output, folder, "report.html");
    check_replaced(output, {}, "page", [](std::string_view start) { return start.starts_with("<!DOCTYPE html>"); });
}

Dataset test_images(const ReportArguments& arguments, const RunOptions& options, const Subject& subject,
                    const Settings& settings) {
    std::string source = arguments.data.empty() ? options.data : arguments.data;
    if (arguments.data.empty() && source != "digits" && !fs::exists(source)) {
        fail<UsageError>("'{}': the run's images are not there any more; say with --data where they are", source);
    }
    DataOptions images = arguments.images;
    images.skip_bad_images |= options.images.skip_bad_images;
    if (arguments.data.empty() && images.format.empty()) {
        images.format = options.images.format;
    }
    Dataset test = load_for(subject.model, source, Part::test, images, settings);
    check_fits(test, subject.model, subject.classes);
    return test;
}

int report(ReportArguments arguments, const Settings& settings) {
    const fs::path& folder = arguments.folder;
    if (!fs::exists(folder / "manifest.json")) {
        fail<UsageError>("{}: is no run folder, it has no manifest.json; name one that train or compress made",
                         folder.string());
    }
    if (arguments.output.empty()) {
        arguments.output = folder / "report.html";
    }
    check_page(arguments.output, folder);
    const Manifest           manifest = read_manifest(folder / "manifest.json");
    const std::vector<Json>  metrics  = read_metrics(folder);
    const std::vector<Round> rounds   = rounds_of(folder, manifest.options, settings.program_memory());
    const Subject            subject  = subject_of(folder, settings);
    const Dataset            test     = test_images(arguments, manifest.options, subject, settings);
    const Outcome            outcome  = outcome_of(subject.model, test, settings);
    std::vector<std::string> names;
    for (size_t k = 0; k < static_cast<size_t>(subject.model.classes); ++k) {
        names.push_back(k < test.classes.size() ? test.classes[k] : std::to_string(k));
    }
    auto               weights = static_cast<uint64_t>(parameter_count(subject.model));
    const std::string& model   = subject.model.name;
    const bool         packed  = !subject.packed.empty();
    std::string        size    = packed ? fmt::format("{} bytes, ", grouped(subject.packed.size())) : "";

    Page page(fmt::format("{}: {}{:.2f} %", model, size, outcome.evaluation.accuracy));
    Rows about{
        {"model", fmt::format("{}, {} parameters", model, grouped(weights))},
        {"data", test.name},
        {"accuracy", fmt::format("{:.2f} % of {} test images, loss {:.4f}", outcome.evaluation.accuracy,
                                 grouped(static_cast<uint64_t>(outcome.evaluation.images)), outcome.evaluation.loss)}};
    if (Json before = manifest.json.value("input_accuracy", Json()); before.is_number()) {
        about.push_back({"input", fmt::format("{:.2f} % of the test images, {:+.2f} points since", before.get<double>(),
                                              outcome.evaluation.accuracy - before.get<double>())});
    }
    if (packed) {
        auto bytes = static_cast<double>(subject.packed.size()), all = static_cast<double>(weights);
        about.push_back({"file", fmt::format("{}{:.3f} bits a weight, 1/{:.1f} of float32", size, 8 * bytes / all,
                                             4 * all / bytes)});
    }
    if (!metrics.empty()) {
        about.push_back({"trained", fmt::format("{} epochs, {:.0f} s", metrics.back()["epoch"].get<int64_t>(),
                                                metrics.back()["seconds"].get<double>())});
    }
    about.push_back({"hemp", fmt::format("{}, {} kernels", manifest.version, manifest.kernel_family)});
    about.push_back({"command", command_text(manifest)});
    page.table(about, false, 2);

    add_training(page, metrics);
    add_path(page, manifest, metrics, rounds, subject.packed.size());
    if (packed) {
        add_file(page, subject.file, summarize(subject.packed, "model.hemp", model_spec));
    } else {
        add_values(page, subject.model);
    }
    add_mistakes(page, test, outcome, names);

    std::string html = page.finished();
    write_file_atomically(arguments.output, std::as_bytes(std::span(html)));
    if (settings.json) {
        Json json{{"page", arguments.output.string()},
                  {"page_bytes", html.size()},
                  {"charts", page.charts()},
                  {"model", model},
                  {"accuracy", outcome.evaluation.accuracy},
                  {"loss", outcome.evaluation.loss}};
        if (packed) {
            json["bytes"] = subject.packed.size();
        }
        print_json(json);
    } else {
        fmt::print("{}: {} charts, {} bytes\n", arguments.output.string(), page.charts().size(), grouped(html.size()));
    }
    return 0;
}

}  // namespace

Action add_report(Command& command) {
    auto arguments = std::make_shared<ReportArguments>();
    command.option("RUN", arguments->folder, "Folder of a run, which may still go on").required();
    command.option("--data", arguments->data, "Images, where they are elsewhere than when the run began");
    add_data_options(command, arguments->images);
    command.option("-o,--output", arguments->output, "The page; default: report.html in the folder");
    return [arguments](const Settings& settings) { return report(*arguments, settings); };
}

}  // namespace hemp
