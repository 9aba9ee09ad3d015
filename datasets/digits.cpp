// A digit is a few strokes through points on a grid of 60 x 100. Each image moves the points a little, then stretches,
// slants, turns and shifts the whole, draws it with a pen of random width, and adds noise.

#include "datasets/digits.h"

#include "core/random.h"

#include <algorithm>

namespace hemp {
namespace {

constexpr int side = 28;
constexpr int unit = 256;  // of a coordinate in the image: 1/256 pixel

struct Point {
    int x;
    int y;
};

enum class Line { straight, curved };

struct Stroke {
    Line               line;
    std::vector<Point> points;
};

using Strokes = std::vector<Stroke>;

constexpr Line straight = Line::straight;
constexpr Line curved   = Line::curved;

/// The ways to write each digit; the origin is the centre, y points down.
const std::vector<std::vector<Strokes>>& ways_to_write() {
    static const std::vector<std::vector<Strokes>> ways = {
        // 0
        {{{curved, {{0, -50}, {-21, -36}, {-28, 0}, {-21, 36}, {0, 50}, {21, 36}, {28, 0}, {21, -36}, {0, -50}}}},
         {{curved, {{12, -46}, {-14, -38}, {-24, 4}, {-14, 42}, {6, 48}, {22, 24}, {24, -18}, {10, -44}, {-4, -42}}}}},
        // 1
        {{{straight, {{0, -50}, {0, 50}}}},
         {{straight, {{-17, -30}, {2, -50}, {2, 50}}}},
         {{straight, {{-17, -30}, {2, -50}, {2, 50}}}, {straight, {{-18, 50}, {22, 50}}}}},
        // 2
        {{{curved, {{-25, -28}, {-12, -46}, {10, -48}, {24, -28}, {15, -4}, {-8, 24}, {-28, 48}}},
          {straight, {{-28, 48}, {28, 48}}}},
         {{curved,
           {{-24, -30},
            {-8, -49},
            {16, -44},
            {22, -20},
            {6, 14},
            {-16, 42},
            {-27, 36},
            {-18, 27},
            {0, 42},
            {16, 49},
            {30, 40}}}}},
        // 3
        {{{curved, {{-23, -40}, {0, -50}, {21, -36}, {15, -13}, {-5, -5}}},
          {curved, {{-5, -5}, {20, 6}, {25, 29}, {4, 49}, {-25, 39}}}},
         {{straight, {{-24, -48}, {22, -48}, {-4, -8}}}, {curved, {{-4, -8}, {20, 4}, {24, 30}, {2, 49}, {-25, 40}}}}},
        // 4
        {{{straight, {{12, 50}, {12, -50}, {-28, 18}, {30, 18}}}},
         {{straight, {{-20, -48}, {-25, 6}, {28, 6}}}, {straight, {{15, -34}, {12, 50}}}}},
        // 5
        {{{straight, {{24, -48}, {-17, -48}, {-21, -6}}},
          {curved, {{-21, -6}, {4, -13}, {25, 8}, {22, 34}, {0, 49}, {-26, 40}}}}},
        // 6
        {{{curved, {{16, -48}, {-10, -28}, {-24, 6}, {-19, 38}, {2, 50}, {22, 36}, {19, 12}, {0, 3}, {-21, 20}}}},
         {{curved, {{-8, -50}, {-21, -10}, {-22, 28}, {-4, 49}, {20, 40}, {20, 14}, {2, 6}, {-18, 26}}}}},
        // 7
        {{{straight, {{-26, -48}, {26, -48}, {-4, 50}}}},
         {{straight, {{-26, -48}, {26, -48}, {-6, 50}}}, {straight, {{-14, 2}, {20, 2}}}},
         {{straight, {{-26, -34}, {-24, -48}, {24, -46}}}, {curved, {{24, -46}, {6, -6}, {-2, 24}, {-4, 50}}}}},
        // 8
        {{{curved,
           {{19, -32},
            {2, -50},
            {-19, -36},
            {-10, -12},
            {14, 8},
            {24, 30},
            {2, 50},
            {-23, 32},
            {-13, 8},
            {10, -11},
            {19, -32}}}}},
        // 9
        {{{curved, {{22, -26}, {6, -3}, {-18, -9}, {-22, -34}, {-1, -50}, {20, -38}, {22, -20}}},
          {curved, {{22, -26}, {21, 2}, {14, 26}, {6, 50}}}},
         {{curved, {{20, -34}, {0, -49}, {-21, -34}, {-16, -8}, {8, -6}, {21, -30}}},
          {straight, {{21, -38}, {18, 50}}}}},
    };
    return ways;
}

/// Random numbers for one image, drawn one after another.
class Draws {
 public:
    Draws(Random random, int64_t image) : random_(random), next_(static_cast<uint64_t>(image) << 12) {}

    /// low to high, both included
    int between(int low, int high) {
        return low + static_cast<int>(random_.below(static_cast<uint32_t>(high - low + 1), next_++));
    }

    /// Near the middle more often than at the ends.
    int around(int middle, int most) { return middle + between(-most, most) / 2 + between(-most, most) / 2; }

    std::array<uint32_t, 4> block() {
        next_ = (next_ | 3) + 1;
        return random_.block(next_ / 4);
    }

 private:
    Random   random_;
    uint64_t next_;
};

/// A curve through the points, as short straight pieces (uniform Catmull-Rom spline).
std::vector<Point> smooth(const std::vector<Point>& points) {
    constexpr int      pieces = 4;
    std::vector<Point> curve{points.front()};
    for (size_t i = 1; i < points.size(); ++i) {
        Point p0 = points[i == 1 ? 0 : i - 2];
        Point p1 = points[i - 1];
        Point p2 = points[i];
        Point p3 = points[std::min(i + 1, points.size() - 1)];
        for (int t = 1; t <= pieces; ++t) {
            auto blend = [t](int a, int b, int c, int d) {
                constexpr int n    = pieces;
                int           cube = (3 * b - 3 * c + d - a) * t * t * t;
                int           rest = (2 * a - 5 * b + 4 * c - d) * t * t * n + (c - a) * t * n * n;
                return b + (cube + rest) / (2 * n * n * n);
            };
            curve.push_back({blend(p0.x, p1.x, p2.x, p3.x), blend(p0.y, p1.y, p2.y, p3.y)});
        }
    }
    return curve;
}

/// Moves the points of a digit and places it in the image, in units of 1/256 pixel.
class Hand {
 public:
    explicit Hand(Draws& draws) : draws_(draws) {
        int width  = draws.around(47, 13);  // 1/256 pixels per step of the grid
        int height = draws.around(47, 10);
        int slant  = draws.around(-30, 100);  // in 1/256
        int turn   = draws.around(0, 65);
        xx_        = width;
        xy_        = height * (slant - turn) / 256;
        yx_        = width * turn / 256;
        yy_        = height;
        centre_    = {side * unit / 2 + draws.around(0, 3 * unit), side * unit / 2 + draws.around(0, 2 * unit)};
    }

    Point place(Point p) {
        p.x += draws_.around(0, 7);
        p.y += draws_.around(0, 7);
        return {centre_.x + xx_ * p.x + xy_ * p.y, centre_.y + yx_ * p.x + yy_ * p.y};
    }

 private:
    Draws& draws_;
    int    xx_, xy_, yx_, yy_;
    Point  centre_;
};

struct Pen {
    int radius;    // in 1/256 pixel
    int darkness;  // at most 255
};

int64_t dot(Point a, Point b) { return int64_t{a.x} * b.x + int64_t{a.y} * b.y; }

Point minus(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }

int64_t squared_distance(Point p, Point a, Point b) {
    Point   ab     = minus(b, a);
    Point   ap     = minus(p, a);
    int64_t along  = dot(ap, ab);
    int64_t length = dot(ab, ab);
    if (along <= 0) {
        return dot(ap, ap);
    }
    if (along >= length) {
        return dot(minus(p, b), minus(p, b));
    }
    int64_t cross = int64_t{ap.x} * ab.y - int64_t{ap.y} * ab.x;
    return cross * cross / length;
}

/// One straight piece: full ink within the pen's radius, fading out over one pixel more.
void draw(Point a, Point b, Pen pen, std::span<uint8_t> image) {
    int     reach = pen.radius + unit;
    int64_t inner = int64_t{pen.radius} * pen.radius;
    int64_t outer = int64_t{reach} * reach;
    auto    pixel = [](int coordinate) { return std::clamp(coordinate / unit, 0, side - 1); };
    for (int y = pixel(std::min(a.y, b.y) - reach); y <= pixel(std::max(a.y, b.y) + reach); ++y) {
        for (int x = pixel(std::min(a.x, b.x) - reach); x <= pixel(std::max(a.x, b.x) + reach); ++x) {
            Point    centre   = {x * unit + unit / 2, y * unit + unit / 2};
            int64_t  distance = std::clamp(squared_distance(centre, a, b), inner, outer);
            auto     ink      = static_cast<uint8_t>(pen.darkness * (outer - distance) / (outer - inner));
            uint8_t& value    = image[static_cast<size_t>(y * side + x)];
            value             = std::max(value, ink);
        }
    }
}

void add_noise(int most, Draws& draws, std::span<uint8_t> image) {
    for (size_t i = 0; i < image.size(); i += 16) {
        std::array<uint32_t, 4> words = draws.block();
        for (size_t j = 0; j < 16; ++j) {
            int random   = static_cast<int>(words[j / 4] >> (8 * (j % 4)) & 255);
            int noise    = most * (2 * random - 255) / 255;
            image[i + j] = static_cast<uint8_t>(std::clamp(image[i + j] + noise, 0, 255));
        }
    }
}

void draw_digit(int digit, Draws draws, std::span<uint8_t> image) {
    const std::vector<Strokes>& ways = ways_to_write()[static_cast<size_t>(digit)];

    size_t way = static_cast<size_t>(draws.between(0, static_cast<int>(ways.size()) - 1));
    Hand   hand(draws);
    Pen    pen{.radius = draws.between(100, 350), .darkness = draws.between(170, 255)};
    for (const Stroke& stroke : ways[way]) {
        std::vector<Point> points;
        for (Point point : stroke.points) {
            points.push_back(hand.place(point));
        }
        if (stroke.line == Line::curved) {
            points = smooth(points);
        }
        for (size_t i = 1; i < points.size(); ++i) {
            draw(points[i - 1], points[i], pen, image);
        }
    }
    add_noise(draws.between(0, 40), draws, image);
}

}  // namespace

Dataset digits(Part part, int64_t count, uint64_t seed) {
    Array  images({{count, 1, side, side}, DType::u8});
    Array  labels({{count}, DType::i32});
    Random random(seed, part == Part::train ? 0x74726169 : 0x74657374);  // the streams "trai" and "test"
    for (int64_t i = 0; i < count; ++i) {
        int digit = static_cast<int>(i % 10);

        constexpr size_t pixels = side * side;
        draw_digit(digit, Draws(random, i), images.values<uint8_t>().subspan(static_cast<size_t>(i) * pixels, pixels));
        labels.values<int32_t>()[static_cast<size_t>(i)] = digit;
    }
    return {.name    = "digits",
            .images  = Images(std::move(images)),
            .labels  = std::move(labels),
            .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
            .skipped = {}};
}

Dataset digits(Part part) { return digits(part, part == Part::train ? train_digits : test_digits); }

}  // namespace hemp
