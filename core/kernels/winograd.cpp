#include "core/kernels/winograd.h"

#include "core/kernels/dispatch.h"
#include "core/kernels/winograd_tiles.h"

#include <algorithm>
#include <utility>

// Everything between the transforms is laid out [36 points][block of 16][...][16], where 16 are channels or filters:
// the vectors that the transforms work on are those which the products read and write.
namespace hemp {
namespace {

constexpr int64_t points = 36;

// --- how work is cut

struct Split {
    int64_t pieces, together;

    int64_t begin(int64_t piece) const { return piece * together; }
};

/// `all` in pieces of equal size, at most `together` each but for rounding; one piece of nothing.
Split split(int64_t all, int64_t together) {
    int64_t pieces = std::max<int64_t>(1, (all + together - 1) / together);
    int64_t each   = std::max<int64_t>(1, (all + pieces - 1) / pieces);
    return {.pieces = std::max<int64_t>(1, (all + each - 1) / each), .together = each};
}

/// A multiple of the rows of the products' register tiles.
constexpr int64_t tiles_together = 48;
/// Blocks of filters whose products are made before they are transformed.
constexpr int64_t filters_together = 4;
/// Fewer than those where their weights are transformed on the way: these stay in the cache.
constexpr int64_t weights_together = 2;

/// An even number of pieces where there are few, so that two threads have equally much to do.
Split forward_tiles(const WinogradShape& s) {
    Split tiles = split(s.tiles(), tiles_together);
    bool  even  = tiles.pieces == 1 || tiles.pieces % 2 == 0 || tiles.pieces > 16;
    return even ? tiles : split(s.tiles(), (s.tiles() + tiles.pieces) / (tiles.pieces + 1));
}

/// Forward pieces are ranges of tiles where weights are prepared, else of filters.
Split forward_cut(const WinogradShape& s) {
    return s.prepares_weights() ? forward_tiles(s) : split(s.filter_blocks(), weights_together);
}

/// Where a range of tiles is transformed to.
PointLayout input_layout(const WinogradShape& s) { return {s.channel_blocks(), forward_tiles(s).together}; }

struct GradientCut {
    Split   tiles, channels, filters;
    int64_t parts;  ///< of the batch
};

/// At least eight pieces where the batch allows it.
GradientCut gradient_cut(const WinogradShape& s) {
    GradientCut cut{split(s.tiles(), 64), split(s.channel_blocks(), 8), split(s.filter_blocks(), 8), 1};
    cut.parts = std::clamp<int64_t>(8 / (cut.channels.pieces * cut.filters.pieces), 1, cut.tiles.pieces);
    return cut;
}

/// Between matrices of successive points, with a cache line between them as in PointLayout.
int64_t weight_point_stride(int64_t channels, int64_t filter_blocks) { return filter_blocks * channels * 16 + 16; }

// --- products

/// The number at p in all lanes. g++ 12 would see that the rows' numbers lie 16 apart and load whole vectors, many
/// across two cache lines, to repeat their first element; it cannot once it does not know that their addresses are
/// related.
template <class V>
HEMP_INLINE typename V::Float repeated(const float*& p, int64_t offset) {
    asm("" : "+r"(p));
    return V::all(p[offset]);
}

/// m [Rows tiles, Vectors] = v [Rows tiles, channels] times u [channels, Vectors]. Vectors lie in blocks of 16 filters.
template <class V, int Rows, int Vectors>
HEMP_INLINE void tile_product(int64_t channels, const float* v, int64_t v_block, const float* u, int64_t u_next,
                              float* m, int64_t m_next) {
    using F               = typename V::Float;
    F sums[Rows][Vectors] = {};
    for (int64_t channel = 0; channel < channels; channel += 16) {
        const float* numbers = v;
        int64_t      count   = std::min<int64_t>(16, channels - channel);
        for (int64_t i = 0; i < count; ++i) {
            F values[Vectors];
#pragma GCC unroll 2
            for (int j = 0; j < Vectors; ++j) {
                values[j] = V::load(u + j * u_next);
            }
#pragma GCC unroll 16
            for (int row = 0; row < Rows; ++row) {
                F factor = repeated<V>(numbers, row * 16);
#pragma GCC unroll 2
                for (int j = 0; j < Vectors; ++j) {
                    sums[row][j] += factor * values[j];
                }
            }
            u += 16;
            ++numbers;
        }
        v += v_block;
    }
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
        for (int j = 0; j < Vectors; ++j) {
            V::store(m + row * 16 + j * m_next, sums[row][j]);
        }
    }
}

using TileProduct = void(int64_t, const float*, int64_t, const float*, int64_t, float*, int64_t);

template <class V>
constexpr int max_rows = V::width == 16  ? 14
                         : V::width == 8 ? 6
                                         : 4;

template <int Rows, int Vectors>
struct ProductOf {
    template <class V>
    HEMP_INLINE static void run(int64_t channels, const float* v, int64_t v_block, const float* u, int64_t u_next,
                                float* m, int64_t m_next) {
        if constexpr (Rows <= max_rows<V>) {
            tile_product<V, Rows, Vectors>(channels, v, v_block, u, u_next, m, m_next);
        }
    }
};

/// Kernels by vectors (1 or 2) and rows (1 to 14).
struct TileProducts {
    TileProduct* by_rows[2][15];
};

template <class V, int... rows>
TileProducts tile_products(std::integer_sequence<int, rows...>) {
    return {{{nullptr, kernel<ProductOf<rows + 1, 1>, TileProduct>(V::set)...},
             {nullptr, kernel<ProductOf<rows + 1, 2>, TileProduct>(V::set)...}}};
}

/// du [16 channels, Vectors] += v' [16 channels, tiles] times d [tiles, Vectors].
template <class V, int Vectors>
HEMP_INLINE void sum_over_tiles(int64_t tiles, const float* v, const float* d, int64_t d_next, float* du,
                                int64_t du_next) {
    using F            = typename V::Float;
    constexpr int rows = V::width == 16 ? 8 : 4;
    for (int first = 0; first < 16; first += rows) {
        F sums[rows][Vectors] = {};
        for (int64_t tile = 0; tile < tiles; ++tile) {
            const float* numbers = v + tile * 16 + first;
            F            values[Vectors];
#pragma GCC unroll 2
            for (int j = 0; j < Vectors; ++j) {
                values[j] = V::load(d + tile * 16 + j * d_next);
            }
#pragma GCC unroll 16
            for (int row = 0; row < rows; ++row) {
                F factor = repeated<V>(numbers, row);
#pragma GCC unroll 2
                for (int j = 0; j < Vectors; ++j) {
                    sums[row][j] += factor * values[j];
                }
            }
        }
#pragma GCC unroll 16
        for (int row = 0; row < rows; ++row) {
#pragma GCC unroll 2
            for (int j = 0; j < Vectors; ++j) {
                float* to = du + (first + row) * 16 + j * du_next;
                V::store(to, V::load(to) + sums[row][j]);
            }
        }
    }
}

using SumOverTiles = void(int64_t, const float*, const float*, int64_t, float*, int64_t);

template <int Vectors>
struct SumOf {
    template <class V>
    HEMP_INLINE static void run(int64_t tiles, const float* v, const float* d, int64_t d_next, float* du,
                                int64_t du_next) {
        sum_over_tiles<V, Vectors>(tiles, v, d, d_next, du, du_next);
    }
};

/// What one instruction set uses.
struct Kernels {
    WinogradTransforms transforms;
    TileProducts       products;
    SumOverTiles*      sums[2];
};

template <class V>
const Kernels& kernels() {
    static const Kernels made{winograd_transforms(V::set),
                              tile_products<V>(std::make_integer_sequence<int, 14>()),
                              {kernel<SumOf<1>, SumOverTiles>(V::set), kernel<SumOf<2>, SumOverTiles>(V::set)}};
    return made;
}

/// Calls visit(first filter, vectors) for pairs of vectors, and one vector where only one is left.
template <class V, class Visit>
void for_each_pair(int64_t filters, Visit visit) {
    for (int64_t filter = 0; filter < filters; filter += 2 * V::width) {
        visit(filter, filter + V::width < filters ? 2 : 1);
    }
}

/// The offset of a filter's vector, where blocks of 16 filters lie `block` floats apart.
int64_t offset(int64_t filter, int64_t block) { return filter / 16 * block + filter % 16; }

// --- forward

/// Transforms the weights of `blocks` blocks of filters from `first` on.
template <class V>
void transform_weights(const WinogradShape& s, const WinogradOperands& o, int64_t first, int64_t blocks, float* u,
                       int64_t point_stride) {
    if (o.packed) {
        for (int64_t block = 0; block < blocks; ++block) {
            kernels<V>().transforms.weights(s.channels, o.weights + (first + block) * s.channels * 144,
                                            u + block * s.channels * 16, point_stride);
        }
        return;
    }
    int64_t filter_stride  = (o.rotated ? 1 : s.channels) * 9;
    int64_t channel_stride = (o.rotated ? s.filters : 1) * 9;
    for (int64_t block = 0; block < blocks; ++block) {
        int64_t           filter            = (first + block) * 16;
        int64_t           filters           = std::min<int64_t>(16, s.filters - filter);
        alignas(64) float taps[16 * 9 * 16] = {};
        for (int64_t channel = 0; channel < s.channels; channel += 16) {
            int64_t channels = std::min<int64_t>(16, s.channels - channel);
            for (int64_t i = 0; i < channels; ++i) {
                for (int64_t lane = 0; lane < filters; ++lane) {
                    const float* from = o.weights + (filter + lane) * filter_stride + (channel + i) * channel_stride;
                    for (int64_t tap = 0; tap < 9; ++tap) {
                        taps[(i * 9 + tap) * 16 + lane] = from[o.rotated ? 8 - tap : tap];
                    }
                }
            }
            kernels<V>().transforms.weights(channels, taps, u + (block * s.channels + channel) * 16, point_stride);
        }
    }
}

/// m [tiles, filters] = v [tiles, channels] u [channels, filters], for each point.
template <class V>
void multiply(int64_t channels, int64_t tiles, const float* v, const PointLayout& in, const float* u,
              int64_t u_point_stride, float* m, const PointLayout& out) {
    const TileProducts& products = kernels<V>().products;
    int64_t             panels   = (tiles + max_rows<V> - 1) / max_rows<V>;
    for (int64_t point = 0; point < points; ++point) {
        for_each_pair<V>(out.blocks * 16, [&](int64_t filter, int vectors) {
            int64_t u_at   = offset(filter, channels * 16);
            int64_t u_next = offset(filter + V::width, channels * 16) - u_at;
            int64_t m_at   = offset(filter, out.block_stride());
            int64_t m_next = offset(filter + V::width, out.block_stride()) - m_at;
            for (int64_t panel = 0; panel < panels; ++panel) {
                int64_t row  = tiles * panel / panels;
                int64_t rows = tiles * (panel + 1) / panels - row;
                products.by_rows[vectors - 1][rows](channels, v + row * 16, in.block_stride(), u + u_at, u_next,
                                                    m + m_at + row * 16, m_next);
            }
        });
        v += in.point_stride();
        u += u_point_stride;
        m += out.point_stride();
    }
}

TileRange tile_range(const WinogradShape& s, const Split& cut, int64_t piece, int64_t blocks) {
    int64_t first = cut.begin(piece);
    return {s.height, s.width, blocks * s.height * s.width * 16, first, std::min(cut.together, s.tiles() - first)};
}

template <class V>
void prepare(const WinogradShape& s, const WinogradOperands& o, int64_t piece, float* prepared) {
    if (s.prepares_weights()) {
        transform_weights<V>(s, o, piece, 1, prepared + piece * s.channels * 16,
                             weight_point_stride(s.channels, s.filter_blocks()));
    } else {
        PointLayout layout = input_layout(s);
        kernels<V>().transforms.inputs(tile_range(s, forward_tiles(s), piece, layout.blocks), o.x, o.normalisation,
                                       layout, prepared + piece * layout.floats());
    }
}

template <class V>
void forward(const WinogradShape& s, const WinogradOperands& o, const float* prepared, int64_t piece, float* scratch) {
    const WinogradTransforms& transforms = kernels<V>().transforms;
    Split                     tiles      = forward_tiles(s);
    PointLayout               in         = input_layout(s);
    int64_t                   plane      = s.height * s.width * 16;
    if (s.prepares_weights()) {
        float*    products = scratch + in.floats();
        int64_t   stride   = weight_point_stride(s.channels, s.filter_blocks());
        TileRange range    = tile_range(s, tiles, piece, in.blocks);
        transforms.inputs(range, o.x, o.normalisation, in, scratch);
        range.image_stride = s.filter_blocks() * plane;
        for (int64_t block = 0; block < s.filter_blocks(); block += filters_together) {
            PointLayout out{std::min(filters_together, s.filter_blocks() - block), tiles.together};
            multiply<V>(s.channels, range.count, scratch, in, prepared + block * s.channels * 16, stride, products,
                        out);
            transforms.results(range, products, out, o.y + block * plane, o.finish.at(block, block * plane));
        }
    } else {
        int64_t     block = forward_cut(s).begin(piece);
        PointLayout out{std::min(forward_cut(s).together, s.filter_blocks() - block), tiles.together};
        int64_t     stride   = weight_point_stride(s.channels, out.blocks);
        float*      products = scratch + points * stride;
        transform_weights<V>(s, o, block, out.blocks, scratch, stride);
        for (int64_t at = 0; at < tiles.pieces; ++at) {
            TileRange range = tile_range(s, tiles, at, s.filter_blocks());
            multiply<V>(s.channels, range.count, prepared + at * in.floats(), in, scratch, stride, products, out);
            transforms.results(range, products, out, o.y + block * plane, o.finish.at(block, block * plane));
        }
    }
}

// --- gradient to the weights

template <class V>
void weight_gradient(const WinogradShape& s, const float* x, const Normalisation& of_x, const float* dy, int64_t piece,
                     float* partial, float* scratch) {
    const Kernels& k             = kernels<V>();
    GradientCut    cut           = gradient_cut(s);
    int64_t        plane         = s.height * s.width * 16;
    int64_t        part          = piece % cut.parts;
    int64_t        channel_block = cut.channels.begin(piece / cut.parts % cut.channels.pieces);
    int64_t        filter_block  = cut.filters.begin(piece / cut.parts / cut.channels.pieces);
    PointLayout    in{std::min(cut.channels.together, s.channel_blocks() - channel_block), cut.tiles.together};
    PointLayout    out{std::min(cut.filters.together, s.filter_blocks() - filter_block), cut.tiles.together};
    int64_t        channels = in.blocks * 16;
    int64_t        stride   = weight_point_stride(channels, out.blocks);
    float*         d        = scratch + in.floats();
    float*         du       = d + out.floats();
    std::fill_n(du, points * stride, 0.0f);

    for (int64_t at = cut.tiles.pieces * part / cut.parts; at < cut.tiles.pieces * (part + 1) / cut.parts; ++at) {
        TileRange range = tile_range(s, cut.tiles, at, s.channel_blocks());
        k.transforms.inputs(range, x + channel_block * plane, of_x.from_block(channel_block), in, scratch);
        range.image_stride = s.filter_blocks() * plane;
        k.transforms.gradients(range, dy + filter_block * plane, {}, out, d);
        for (int64_t point = 0; point < points; ++point) {
            for_each_pair<V>(out.blocks * 16, [&](int64_t filter, int vectors) {
                int64_t d_at  = offset(filter, out.block_stride());
                int64_t du_at = offset(filter, channels * 16);
                for (int64_t block = 0; block < in.blocks; ++block) {
                    k.sums[vectors - 1](
                        range.count, scratch + point * in.point_stride() + block * in.block_stride(),
                        d + point * out.point_stride() + d_at, offset(filter + V::width, out.block_stride()) - d_at,
                        du + point * stride + du_at + block * 256, offset(filter + V::width, channels * 16) - du_at);
                }
            });
        }
    }
    for (int64_t block = 0; block < out.blocks; ++block) {
        float* to = partial + part * s.partial_floats() / cut.parts +
                    ((filter_block + block) * s.channel_blocks() + channel_block) * 16 * 144;
        k.transforms.weight_gradients(channels, du + block * channels * 16, stride, to);
    }
}

void sum_weight_gradient(const WinogradShape& s, const float* partial, int64_t piece, float* dw) {
    int64_t parts   = gradient_cut(s).parts;
    int64_t floats  = s.partial_floats() / parts;
    int64_t filters = std::min<int64_t>(16, s.filters - piece * 16);
    for (int64_t channel = 0; channel < s.channels; ++channel) {
        float sums[9 * 16] = {};
        for (int64_t part = 0; part < parts; ++part) {
            const float* from = partial + part * floats + (piece * s.channel_blocks() * 16 + channel) * 144;
            for (int64_t i = 0; i < 144; ++i) {
                sums[i] += from[i];
            }
        }
        for (int64_t lane = 0; lane < filters; ++lane) {
            float* to = dw + ((piece * 16 + lane) * s.channels + channel) * 9;
            for (int64_t tap = 0; tap < 9; ++tap) {
                to[tap] = sums[tap * 16 + lane];
            }
        }
    }
}

template <class V>
const Winograd& winograd_of() {
    static const Winograd made{prepare<V>, forward<V>, weight_gradient<V>, sum_weight_gradient};
    return made;
}

}  // namespace

int64_t WinogradShape::prepare_pieces() const {
    return prepares_weights() ? filter_blocks() : forward_tiles(*this).pieces;
}

int64_t WinogradShape::prepared_floats() const {
    return prepares_weights() ? points * weight_point_stride(channels, filter_blocks())
                              : forward_tiles(*this).pieces * input_layout(*this).floats();
}

int64_t WinogradShape::forward_pieces() const { return forward_cut(*this).pieces; }

void WinogradShape::for_each_result(int64_t piece, const std::function<void(int64_t, int64_t, int64_t)>& visit) const {
    Split   cut        = forward_cut(*this);
    int64_t begin      = cut.begin(piece);
    int64_t end        = std::min(begin + cut.together, prepares_weights() ? tiles() : filter_blocks());
    int64_t first_tile = prepares_weights() ? begin : 0, last_tile = prepares_weights() ? end : tiles();
    int64_t first = prepares_weights() ? 0 : begin, last = prepares_weights() ? filter_blocks() : end;
    int64_t columns = (width + 3) / 4, rows = (height + 3) / 4;
    for (int64_t block = first; block < last; ++block) {
        for (int64_t tile = first_tile, count = 0; tile < last_tile; tile += count) {
            int64_t image = tile / (rows * columns), row = tile / columns % rows * 4, column = tile % columns * 4;
            count          = std::min(columns - tile % columns, last_tile - tile);
            int64_t pixels = std::min(count * 4, width - column);
            int64_t high   = std::min<int64_t>(4, height - row);
            bool    whole  = pixels == width;  // rows of pixels that follow each other
            int64_t start  = ((image * filter_blocks() + block) * height + row) * width + column;
            for (int64_t i = 0; i < (whole ? 1 : high); ++i) {
                visit(block, (start + i * width) * 16, whole ? high * width : pixels);
            }
        }
    }
}

int64_t WinogradShape::forward_scratch_floats() const {
    int64_t tiles  = forward_tiles(*this).together;
    int64_t blocks = prepares_weights() ? std::min(filters_together, filter_blocks()) : forward_cut(*this).together;
    int64_t operand =
        prepares_weights() ? input_layout(*this).floats() : points * weight_point_stride(channels, blocks);
    return operand + PointLayout{blocks, tiles}.floats();
}

int64_t WinogradShape::gradient_pieces() const {
    GradientCut cut = gradient_cut(*this);
    return cut.parts * cut.channels.pieces * cut.filters.pieces;
}

int64_t WinogradShape::gradient_scratch_floats() const {
    GradientCut cut = gradient_cut(*this);
    return PointLayout{cut.channels.together, cut.tiles.together}.floats() +
           PointLayout{cut.filters.together, cut.tiles.together}.floats() +
           points * weight_point_stride(cut.channels.together * 16, cut.filters.together);
}

int64_t WinogradShape::partial_floats() const {
    return gradient_cut(*this).parts * filter_blocks() * channel_blocks() * 16 * 144;
}

const Winograd& winograd() {
    return kernels_in_use(winograd_of<Baseline>(), winograd_of<Avx2>(), winograd_of<Avx512>());
}

}  // namespace hemp
