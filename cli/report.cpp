// One page about a run: what it did over time, what its file is made of, and where it is wrong.

#include "cli/chart.h"
#include "cli/command.h"
#include "cli/contents.h"
#include "cli/evaluate.h"
#include "cli/input.h"
#include "cli/run.h"
#include "core/file/checkpoint.h"
#include "datasets/png.h"
#include "hemp/package.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>

namespace fs = std::filesystem;

namespace hemp {
namespace {

struct ReportArguments {
    fs::path    folder;
    fs::path    output;
    std::string data;
};

/// Colours of chart.h's classes for both schemes; nothing is loaded from elsewhere.
constexpr const char* style = R"(
:root { color-scheme: light dark; --ground: #fff; --ink: #222; --faint: #ccc; --0: #1b7837; --1: #c2571a; --2: #5b3a9e; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181c; --ink: #ddd; --faint: #444; --0: #5fc27e; --1: #f0935a; --2: #b29bea; } }
body { background: var(--ground); color: var(--ink); font: 15px/1.45 sans-serif; max-width: 1180px; margin: 0 auto;
  padding: 16px; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; border-bottom: 1px solid var(--faint); margin-top: 2em; }
table { border-collapse: collapse; } td, th { padding: 2px 12px 2px 0; text-align: left; font-weight: normal; }
th { border-bottom: 1px solid var(--faint); } td.number, th.number { text-align: right; }
.wide { overflow-x: auto; }
.charts { display: flex; flex-wrap: wrap; gap: 16px; } figure { margin: 0; flex: 1 1 480px; max-width: 580px; }
figure.small { flex: 0 1 270px; } figcaption { margin-bottom: 4px; }
svg { width: 100%; height: auto; display: block; } svg text { font: 12px sans-serif; fill: currentColor; }
.grid { stroke: var(--faint); } polyline { fill: none; stroke-width: 2; }
.s0 { fill: var(--0); stroke: var(--0); } .s1 { fill: var(--1); stroke: var(--1); }
.s2 { fill: var(--2); stroke: var(--2); } rect.s0, rect.s1, rect.s2, g text { stroke: none; }
.pictures { display: flex; flex-wrap: wrap; gap: 12px; } .pictures figure { flex: 0 0 112px; font-size: 13px; }
.pictures img { width: 112px; image-rendering: pixelated; display: block; }
code { overflow-wrap: anywhere; }
)";

/// The page as it grows.
class Page {
 public:
    explicit Page(const std::string& title)
        : text_(fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                            "<meta name=\"viewport\" content=\"width=device-width\">"
                            "<link rel=\"icon\" href=\"data:,\"><title>{0}</title>"
                            "<style>{1}</style></head>\n<body>\n<h1>{0}</h1>\n",
                            escaped(title), style)) {}

    void section(const std::string& name) { text_ += fmt::format("<h2>{}</h2>\n", escaped(name)); }
    void say(const std::string& text) { text_ += fmt::format("<p>{}</p>\n", escaped(text)); }
    void add(const std::string& html) { text_ += html + "\n"; }

    void chart(const std::string& id, const std::string& caption, const std::string& svg, const char* kind = "") {
        text_ += fmt::format("<figure id=\"{}\" class=\"{}\"><figcaption>{}</figcaption>{}</figure>\n", id, kind,
                             escaped(caption), svg);
        charts_.push_back(id);
    }

    /// The first row is the heading, unless there is none; all columns but the first `left` ones hold numbers.
    void table(const Rows& rows, bool heading = true, size_t left = 1) {
        text_ += "<div class=\"wide\"><table>\n";
        for (size_t r = 0; r < rows.size(); ++r) {
            text_ += "<tr>";
            for (size_t c = 0; c < rows[r].size(); ++c) {
                text_ += fmt::format("<{0}{1}>{2}</{0}>", heading && r == 0 ? "th" : "td",
                                     c < left ? "" : " class=\"number\"", escaped(rows[r][c]));
            }
            text_ += "</tr>\n";
        }
        text_ += "</table></div>\n";
    }

    const std::vector<std::string>& charts() const { return charts_; }
    std::string                     finished() const { return text_ + "</body>\n</html>\n"; }

 private:
    std::string              text_;
    std::vector<std::string> charts_;
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
            page.chart(id, caption, line_chart(caption, {.label = "epoch"}, y, series));
        }
    };
    page.add("<div class=\"charts\">");
    chart("loss", "Loss", {.label = "nats"},
          {over_epochs("training", metrics, "loss"), over_epochs("held out", metrics, "val_loss")});
    chart("accuracy", "Accuracy of the held-out images", {.label = "percent"},
          {over_epochs("accuracy", metrics, "accuracy")});
    chart("bits", "What a weight takes", {.label = "bits", .logarithmic = true},
          {entropy_over_epochs(metrics), over_epochs("whole file", metrics, "bits_per_weight")});
    chart("bytes", "Size of the file", {.label = "bytes", .logarithmic = true},
          {over_epochs("file", metrics, "bytes")});
    chart("zeros", "Share of weights that are zero", {.label = "share"}, {over_epochs("zeros", metrics, "zeros")});
    page.add("</div>");
    if (!metrics.back().contains("accuracy")) {
        page.say("The run held no images out: accuracy was not measured while it trained.");
    }
}

/// The rounds of a search for a target, as the run's state has them; none where there was no search.
Json rounds_of(const fs::path& folder, const RunOptions& options, size_t max_memory) {
    if (!options.has_target() || !fs::exists(folder / "last.ckpt")) {
        return Json::array();
    }
    const Checkpoint state = load_newest_valid(folder / "last.ckpt", max_memory).checkpoint;
    auto             path  = state.metadata.find("path");
    Json             json  = path == state.metadata.end() ? Json::array() : parse_json(path->second);
    return json.is_array() ? json : Json::array();
}

void add_path(Page& page, const std::vector<Json>& metrics, const Json& rounds) {
    Series epochs{"epochs", {}, false}, path{"rounds", {}, true};
    for (const Json& entry : metrics) {
        if (entry.contains("bytes") && entry.contains("accuracy")) {
            epochs.points.push_back(
                {entry["bytes"], entry["accuracy"],
                 fmt::format("epoch {}: {} bytes, {:.2f} %", entry["epoch"].get<int64_t>(),
                             grouped(entry["bytes"].get<uint64_t>()), entry["accuracy"].get<double>())});
        }
    }
    if (epochs.points.empty()) {
        return;
    }
    Rows rows{{"round", "entropy", "bytes", "accuracy, %", "target"}};
    for (const Json& round : rounds) {
        path.points.push_back({round["bytes"], round["accuracy"],
                               fmt::format("round {}: entropy {:.3g}", rows.size(), round["entropy"].get<double>())});
        rows.push_back({std::to_string(rows.size()), fmt::format("{:.3g}", round["entropy"].get<double>()),
                        grouped(round["bytes"].get<uint64_t>()), fmt::format("{:.2f}", round["accuracy"].get<double>()),
                        round["target_reached"].get<bool>() ? "reached" : "missed"});
    }
    page.section("Size against accuracy");
    std::vector<Series> series{epochs};
    if (!path.points.empty()) {
        series.push_back(path);
    }
    page.add("<div class=\"charts\">");
    page.chart("path", "Accuracy of the held-out images and size of the file, of every epoch",
               line_chart("Accuracy against size of the file", {.label = "bytes", .logarithmic = true},
                          {.label = "percent"}, series));
    page.add("</div>");
    if (rows.size() > 1) {
        page.table(rows, true, 1);
    }
}

// ---------------------------------------------------------------- tensors

std::vector<Point> counted_levels(const QuantizedTensor& tensor) {
    std::map<int32_t, int64_t> counts;
    for (int32_t symbol : tensor.symbols) {
        ++counts[symbol];
    }
    std::vector<Point> bars;
    for (const auto& [symbol, count] : counts) {
        double value = tensor.levels.empty() ? static_cast<double>(symbol) * static_cast<double>(tensor.step)
                                             : static_cast<double>(tensor.levels.at(static_cast<size_t>(symbol)));
        bars.push_back({value, static_cast<double>(count),
                        fmt::format("{:.6g}: {} weights, {:.2f} %", value, grouped(static_cast<uint64_t>(count)),
                                    100.0 * static_cast<double>(count) / static_cast<double>(tensor.symbols.size()))});
    }
    // What has thousands of levels is drawn as floats are.
    return bars;
}

std::vector<Point> counted_values(std::span<const float> values) {
    constexpr size_t     bins = 64;
    auto                 ends = std::ranges::minmax(values);
    auto                 low = static_cast<double>(ends.min), high = static_cast<double>(ends.max);
    double               width = high > low ? (high - low) / bins : 1;
    std::vector<int64_t> counts(bins);
    for (float value : values) {
        auto bin = static_cast<size_t>((static_cast<double>(value) - low) / width);
        ++counts[std::min(bin, bins - 1)];
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
    page.say("How often each value occurs; heights are logarithms.");
    page.add("<div class=\"charts\">");
    for (size_t i = 0; i < tensors.size(); ++i) {
        page.chart(fmt::format("values-{}", i), "", histogram(tensors[i].first, tensors[i].second), "small");
    }
    page.add("</div>");
}

void add_file(Page& page, const HempFile& file, const FileSummary& summary) {
    page.section("The file");
    Json                    contents = contents_of(file, summary);
    std::vector<NamedValue> parts;
    for (const Json& each : contents["tensors"]) {
        parts.push_back({each["name"], each["bytes"],
                         fmt::format("{}, {:.3f} bits a weight", grouped(each["bytes"].get<uint64_t>()),
                                     each["bits_per_weight"].get<double>())});
    }
    page.add("<div class=\"charts\">");
    page.chart("tensors", "Bytes by tensor", row_chart("Bytes by tensor", parts));
    page.add("</div>");
    Rows rows{{"part", "bytes"}};
    for (const auto& [name, bytes] : summary.parts) {
        rows.push_back({name, grouped(bytes)});
    }
    page.table(rows);
    page.section("Values");
    std::vector<std::pair<std::string, std::vector<Point>>> histograms;
    for (const QuantizedTensor& each : file.tensors) {
        std::vector<Point> bars = counted_levels(each);
        if (constexpr size_t most_bars = 256; bars.size() > most_bars) {
            bars = counted_values(dequantize(each).values<float>());
        }
        histograms.emplace_back(each.name, std::move(bars));
    }
    add_histograms(page, histograms);
}

void add_values(Page& page, const Model& model) {
    page.section("Values");
    std::vector<std::pair<std::string, std::vector<Point>>> histograms;
    for (const Parameter& each : model.parameters()) {
        histograms.emplace_back(each.name, counted_values(value_of(each.variable).values<float>()));
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
    Evaluation                        evaluation;
    std::vector<std::vector<int64_t>> confusion;  ///< [true class][predicted class]
    std::vector<Mistake>              mistakes;   ///< the most confident first
};

Outcome outcome_of(const Model& model, const Dataset& test, const Settings& settings) {
    Outcome result;
    auto    classes = static_cast<size_t>(model.classes);
    result.confusion.assign(classes, std::vector<int64_t>(classes));
    auto see = [&](int64_t image, int32_t label, std::span<const float> probabilities) {
        auto taken = static_cast<size_t>(std::ranges::max_element(probabilities) - probabilities.begin());
        auto truth = static_cast<size_t>(label);
        ++result.confusion[truth][taken];
        if (taken != truth) {
            result.mistakes.push_back({image, truth, taken, static_cast<double>(probabilities[taken])});
        }
    };
    result.evaluation = Evaluator(model, evaluation_batch(model)).run(test, settings.loader_threads, see);
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

void add_mistakes(Page& page, const Dataset& test, const Outcome& outcome, const std::vector<std::string>& names) {
    constexpr size_t most_pictures = 24, most_pairs = 10, most_drawn = 100;
    page.section("Mistakes");
    page.say(fmt::format("Of {} test images, {} are wrong.", grouped(static_cast<uint64_t>(outcome.evaluation.images)),
                         grouped(outcome.mistakes.size())));
    if (names.size() <= most_drawn) {
        page.add("<div class=\"charts\">");
        page.chart("confusion", "Confusion of classes", heat_map("Confusion of classes", names, outcome.confusion));
        page.add("</div>");
    }
    struct Pair {
        size_t  truth, taken;
        int64_t count;
    };
    std::vector<Pair> pairs;
    for (size_t r = 0; r < names.size(); ++r) {
        for (size_t c = 0; c < names.size(); ++c) {
            if (r != c && outcome.confusion[r][c] > 0) {
                pairs.push_back({r, c, outcome.confusion[r][c]});
            }
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

/// What was given on the command line, as options that are not the default's.
std::string arguments_text(const Json& manifest) {
    std::string text     = manifest.value("command", "train");
    const Json  defaults = to_json(RunOptions{});
    for (const auto& [key, value] : manifest["arguments"].items()) {
        if (!defaults.contains(key) || defaults[key] != value) {
            text += fmt::format("  {} {}", key, value.is_string() ? value.get<std::string>() : text_of(value));
        }
    }
    return text;
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
    const Json manifest = read_json(folder / "manifest.json");
    if (!manifest.contains("arguments") || !manifest["arguments"].is_object()) {
        fail<DataError>("{}: is no manifest of a run; name a folder that train or compress made",
                        (folder / "manifest.json").string());
    }
    RunOptions        options = run_options(manifest["arguments"]);
    std::vector<Json> metrics = read_metrics(folder);
    fs::path          hemp    = folder / "model.hemp";
    bool              packed  = fs::exists(hemp);
    Input             input   = read_input(packed ? hemp : folder, "", settings.program_memory());
    std::string       source  = arguments.data.empty() ? options.data : arguments.data;
    if (source != "digits" && !fs::exists(source)) {
        fail<UsageError>("{}: the run's data is not there any more; say with --data where it is", source);
    }
    Dataset test = load_for(input.model, source, Part::test, options.images, settings);
    check_fits(test, input.model, input.classes);
    Outcome                  outcome = outcome_of(input.model, test, settings);
    std::vector<std::string> names;
    for (size_t k = 0; k < outcome.confusion.size(); ++k) {
        names.push_back(k < test.classes.size() ? test.classes[k] : std::to_string(k));
    }

    const std::string& model = input.model.name;
    Page    page(fmt::format("{}: {} bytes, {:.2f} %", model, grouped(input.bytes), outcome.evaluation.accuracy));
    int64_t weights = 0;
    for (const Parameter& each : input.model.parameters()) {
        weights += each.variable.shape().size();
    }
    auto bytes = static_cast<double>(input.bytes);
    Rows about{
        {"model", fmt::format("{}, {} parameters", model, grouped(static_cast<uint64_t>(weights)))},
        {"data", test.name},
        {"accuracy", fmt::format("{:.2f} % of {} test images, loss {:.4f}", outcome.evaluation.accuracy,
                                 grouped(static_cast<uint64_t>(outcome.evaluation.images)), outcome.evaluation.loss)},
        {packed ? "file" : "checkpoint",
         fmt::format("{} bytes, {:.3f} bits a weight, 1/{:.1f} of float32", grouped(input.bytes),
                     8 * bytes / static_cast<double>(weights), 4 * static_cast<double>(weights) / bytes)}};
    if (!metrics.empty()) {
        about.push_back({"trained", fmt::format("{} epochs, {:.0f} s", metrics.back()["epoch"].get<int64_t>(),
                                                metrics.back()["seconds"].get<double>())});
    }
    about.push_back(
        {"hemp", fmt::format("{}, {} kernels", manifest.value("version", "?"), manifest.value("kernel_family", "?"))});
    about.push_back({"arguments", arguments_text(manifest)});
    page.table(about, false, 2);

    add_training(page, metrics);
    add_path(page, metrics, rounds_of(folder, options, settings.program_memory()));
    if (packed) {
        Bytes file = read_file(hemp, settings.file_memory());
        add_file(page, decode(file, hemp.string(), model_spec, {.max_memory = settings.file_memory()}),
                 summarize(file, hemp.string(), model_spec));
    } else {
        add_values(page, input.model);
    }
    add_mistakes(page, test, outcome, names);

    std::string html = page.finished();
    write_file_atomically(arguments.output, std::as_bytes(std::span(html)));
    if (settings.json) {
        print_json({{"file", arguments.output.string()},
                    {"bytes", html.size()},
                    {"charts", page.charts()},
                    {"accuracy", outcome.evaluation.accuracy},
                    {"loss", outcome.evaluation.loss}});
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
    command.option("-o,--output", arguments->output, "The page; default: report.html in the folder");
    return [arguments](const Settings& settings) { return report(*arguments, settings); };
}

}  // namespace hemp
