#include "datasets/jpeg.h"

#include "core/error.h"
#include "datasets/image_size.h"

#include <algorithm>

namespace hemp {
namespace {

// Markers (ITU-T T.81, table B.1), each after a byte ff.
constexpr int start_of_frame        = 0xc0;
constexpr int last_frame_read       = 0xc2;  // progressive; stb_image knows no later kind
constexpr int define_huffman_tables = 0xc4;
constexpr int start_of_image        = 0xd8;
constexpr int end_of_image          = 0xd9;
constexpr int start_of_scan         = 0xda;

class JpegCheck {
 public:
    JpegCheck(std::span<const std::byte> file, const std::string& where) : file_(file), where_(where) {}

    void run() {
        // stb_image takes more bytes ff before the first marker; no encoder writes them.
        if (byte(1) != start_of_image) {
            fail<DataError>("{}: begins with byte ff, as a JPEG does, but then has {:02x}, expected d8; convert it",
                            where_, byte(1));
        }
        check_end();
        size_t scan = check_segments();
        // Coded data has no marker but those that are meant, so the rest needs no walk.
        for (size_t at = scan; at + 1 < file_.size(); ++at) {
            if (byte(at) == 0xff && byte(at + 1) == define_huffman_tables) {
                check_tables(at + 2);
            }
        }
    }

 private:
    int byte(size_t at) const { return at < file_.size() ? std::to_integer<int>(file_[at]) : 0; }
    int word(size_t at) const { return byte(at) << 8 | byte(at + 1); }

    void check_end() const {
        size_t size = file_.size();
        while (byte(size - 1) == 0) {  // padding; the file begins with ff
            --size;
        }
        if (byte(size - 2) != 0xff || byte(size - 1) != end_of_image) {
            fail<DataError>("{}: the JPEG ends at byte {} without its end marker; get the file again", where_,
                            file_.size());
        }
    }

    /// Walks as stb_image does, which skips what is no marker; returns where the first scan begins.
    size_t check_segments() const {
        size_t at = 2;
        while (at < file_.size()) {
            if (byte(at) != 0xff) {
                ++at;
                continue;
            }
            while (byte(at) == 0xff) {
                ++at;
            }
            int marker = byte(at);
            ++at;
            if (marker == start_of_scan) {
                break;
            }
            if (marker == define_huffman_tables) {
                check_tables(at);
            }
            if (marker >= start_of_frame && marker <= last_frame_read) {
                check_image_size(word(at + 3), word(at + 5), where_);
            }
            at += static_cast<size_t>(std::max(word(at), 2));
        }
        return at;
    }

    /// The tables of a segment whose length is at `at`: a byte of class and number, 16 counts, then the symbols.
    void check_tables(size_t at) const {
        int left = word(at) - 2;
        at += 2;
        while (left > 0) {
            int codes = 0;
            for (size_t i = 1; i <= 16; ++i) {
                codes += byte(at + i);
            }
            if (codes > 256) {
                fail<DataError>(
                    "{}: the Huffman table at byte {} has {} codes, at most 256 are possible; get the file "
                    "again",
                    where_, at, codes);
            }
            left -= 17 + codes;
            at += static_cast<size_t>(17 + codes);
        }
    }

    std::span<const std::byte> file_;
    const std::string&         where_;
};

}  // namespace

bool is_jpeg(std::span<const std::byte> file) { return !file.empty() && file[0] == std::byte{0xff}; }

void check_jpeg(std::span<const std::byte> file, const std::string& where) { JpegCheck(file, where).run(); }

}  // namespace hemp
