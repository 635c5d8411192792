// SPDX-License-Identifier: Apache-2.0
#include "converter.hpp"

#include "pace.hpp"

namespace page_flip {

using namespace segue;
using std::chrono::microseconds;

namespace {

constexpr std::uint64_t kTold = 32u << 20; // bytes that are converted between two words of it

std::string ms(microseconds time) {
    const auto tenths = std::chrono::ceil<microseconds>(time).count() / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms";
}

std::string mib(std::uint64_t bytes) {
    return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

} // namespace

Status convert_all(const Host& host, const Settings& settings, const Tell& tell) {
    const RamConvert ram(host);
    const Update update(host);
    Pace pace(settings.chunk_stop);
    std::uint64_t done = 0, copied = 0, pieces = 0, told = 0;
    microseconds stopped{0};
    for (;;) {
        SEGUE_ASSIGN(const segue_converted piece, ram.next(pace.next()));
        if (piece.bytes == 0)
            break;
        const microseconds stop(piece.stop_us);
        pace.took(piece.copied, stop);
        done += piece.bytes;
        copied += piece.copied;
        stopped += stop;
        ++pieces;
        update.progress(done, done + piece.left);
        if (done - told >= kTold) {
            SEGUE_TRY(tell(piece.left));
            told = done;
        }
        SEGUE_TRY(update.checkpoint());
    }
    if (pieces != 0)
        host.log(SEGUE_LOG_INFO, mib(done) + " of RAM are shared memory now, " + mib(copied) +
                                     " copied in " + std::to_string(pieces) + " stops of " +
                                     ms(stopped) + " together, the longest " + ms(pace.longest()));
    return tell(0);
}

} // namespace page_flip
