// SPDX-License-Identifier: Apache-2.0
// Every damage of a state that rests is refused by name at its start, or harmless.
#include <fstream>
#include <iterator>

#include "core/state/checksum.hpp"
#include "core/state/layout.hpp"
#include "core/update/at_rest_test.hpp"

namespace segue::update {
namespace {

namespace layout = state::layout;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kFrameHeader = 24; // magic, type, descriptors, zero, length

Bytes read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto all = std::as_bytes(std::span(text));
    return {all.begin(), all.end()};
}

// One container, taken apart at its sections' borders.
struct Container {
    explicit Container(std::span<const std::byte> all)
        : header(all.begin(), all.begin() + layout::kHeaderSize) {
        std::size_t at = layout::kHeaderSize;
        while (layout::load<std::uint32_t>(all, at) == layout::kSectionMagic) {
            const auto n =
                layout::kPayload + layout::load<std::uint64_t>(all, at + layout::kLength);
            sections.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(at),
                                  all.begin() + static_cast<std::ptrdiff_t>(at + n));
            at += n;
        }
    }
    // With a trailer that fits.
    Bytes whole() const {
        Bytes out = header;
        for (const Bytes& s : sections)
            out.insert(out.end(), s.begin(), s.end());
        const auto sum = state::digest(std::span(out).first(state::kWordOffset),
                                       std::span(out).subspan(layout::kAfterWord));
        const std::size_t at = out.size();
        out.resize(at + layout::kTrailerSize);
        const auto trailer = std::span(out).subspan(at);
        layout::store(trailer, 0, layout::kTrailerMagic);
        layout::store(trailer, layout::kSections, static_cast<std::uint32_t>(sections.size()));
        layout::store(trailer, layout::kTotal, std::uint64_t{out.size()});
        std::copy(sum.begin(), sum.end(), trailer.begin() + layout::kDigest);
        return out;
    }
    static std::string name(const Bytes& section) {
        return std::string(layout::load_name(section, layout::kName).value());
    }

    Bytes header;
    std::vector<Bytes> sections;
};

class Damage : public AtRest, public testing::WithParamInterface<Frame> {
protected:
    Damage()
        : AtRest(true) {
        save_ = true;
        update();
        state_ = read_file(dir_ / "main");
        ram_ = read_file(dir_ / "ram");
        find_container();
    }
    void find_container() {
        for (std::size_t at = 0; at + kFrameHeader <= state_.size();) {
            const auto type = static_cast<Frame>(layout::load<std::uint32_t>(state_, at + 4));
            const auto length = layout::load<std::uint64_t>(state_, at + 16);
            if (type == GetParam()) {
                frame_ = at;
                at_ = at + kFrameHeader;
                length_ = length;
                return;
            }
            at += kFrameHeader + length;
        }
        FAIL() << "no such frame";
    }
    std::span<const std::byte> container() const { return std::span(state_).subspan(at_, length_); }

    // "" where the guest runs from `bytes`, whole and once; else why it does not.
    std::string start(const Bytes& bytes) {
        put(dir_ / "main", bytes);
        put(dir_ / "ram", ram_);
        EXPECT_TRUE(Ownership::create(dir_ / "owner", old_.guest.uuid, {1, 1, Owner::Offered}));
        Image image("new", dir_.path().string(), true);
        const Status s = image.take(from_rest(dir_ / "owner"));
        EXPECT_EQ(image.vcpus.running, s.ok());
        EXPECT_TRUE(!s || image.machine.reg == 0x600d);
        return s ? "" : s.error().what() + " " + s.error().detail("section");
    }
    static void put(const std::string& path, const Bytes& bytes) {
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }
    // One byte of the container is another.
    std::string flipped(std::size_t at) {
        Bytes bytes = state_;
        bytes[at_ + at] ^= std::byte{0x40};
        return start(bytes);
    }
    // Another container in place of this one.
    std::string replaced(const Bytes& with) {
        Bytes bytes(state_.begin(), state_.begin() + static_cast<std::ptrdiff_t>(at_));
        layout::store(std::span(bytes), frame_ + 16, std::uint64_t{with.size()});
        bytes.insert(bytes.end(), with.begin(), with.end());
        bytes.insert(bytes.end(), state_.begin() + static_cast<std::ptrdiff_t>(at_ + length_),
                     state_.end());
        return start(bytes);
    }

    Bytes state_, ram_;
    std::size_t frame_ = 0, at_ = 0, length_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Of, Damage, testing::Values(Frame::Manifest, Frame::State),
                         [](const auto& of) {
                             return std::string(of.index == 0 ? "Manifest" : "State");
                         });

TEST_P(Damage, NoneIsNone) {
    EXPECT_EQ(start(state_), "");
    EXPECT_EQ(replaced(Container(container()).whole()), "") << "put together again";
}

TEST_P(Damage, EveryFieldOfTheHeaderIsRefused) {
    for (const std::size_t at : {std::size_t{0}, layout::kFormat, layout::kGeneration,
                                 layout::kAttempt, layout::kAttempt + 4, layout::kGuest,
                                 layout::kMachine, layout::kCreator, layout::kHeaderChecksum})
        EXPECT_NE(flipped(at), "") << "byte " << at;
}

// The manifest's says whether the guest is on offer. The state's own says nothing.
TEST_P(Damage, TheWordDecidesWhereItStands) {
    for (std::size_t at = 0; at < 8; ++at)
        EXPECT_EQ(flipped(state::kWordOffset + at) != "", GetParam() == Frame::Manifest) << at;
}

TEST_P(Damage, EveryFieldOfEverySectionAndOfTheTrailerIsRefused) {
    std::size_t at = layout::kHeaderSize;
    for (const Bytes& section : Container(container()).sections) {
        for (const std::size_t field :
             {std::size_t{0}, layout::kRevision, layout::kName, layout::kInstance, layout::kLength,
              layout::kSectionChecksum, section.size() - 1})
            EXPECT_NE(flipped(at + field), "") << Container::name(section) << " " << field;
        EXPECT_NE(flipped(at + section.size() - 1).find(Container::name(section)),
                  std::string::npos)
            << "refused without its name";
        at += section.size();
    }
    for (const std::size_t field :
         {std::size_t{0}, layout::kSections, layout::kTotal, layout::kDigest})
        EXPECT_NE(flipped(at + field), "") << "trailer " << field;
}

TEST_P(Damage, ASectionThatIsMissingIsNamed) {
    const Container whole(container());
    for (std::size_t i = 0; i < whole.sections.size(); ++i) {
        Container less = whole;
        const std::string name = Container::name(whole.sections[i]);
        less.sections.erase(less.sections.begin() + static_cast<std::ptrdiff_t>(i));
        const std::string said = replaced(less.whole());
        // The last of several phases is not missed: it is a report's.
        EXPECT_TRUE(!said.empty() || name == "update-phase") << name;
    }
}

TEST_P(Damage, ASectionThatStandsTwiceIsNamed) {
    const Container whole(container());
    for (const Bytes& section : whole.sections) {
        Container more = whole;
        more.sections.push_back(section);
        EXPECT_NE(replaced(more.whole()).find(Container::name(section)), std::string::npos)
            << Container::name(section);
    }
}

TEST_P(Damage, ASectionThatNobodyKnowsIsNamed) {
    state::Writer other{state::Header{}};
    other.begin("nobody-knows", "", 1);
    other.end();
    Container more(container());
    more.sections.push_back(Container(other.finish()).sections.at(0));
    EXPECT_NE(replaced(more.whole()).find("nobody-knows"), std::string::npos);
}

// But for those that count themselves, the order is nobody's business.
TEST_P(Damage, SectionsInAnotherOrderAreHarmlessOrRefused) {
    const Container whole(container());
    for (std::size_t i = 1; i < whole.sections.size(); ++i) {
        Container other = whole;
        std::swap(other.sections[i - 1], other.sections[i]);
        const std::string said = replaced(other.whole());
        const std::string one = Container::name(other.sections[i - 1]);
        const std::string two = Container::name(other.sections[i]);
        EXPECT_TRUE(said.empty() || one == two) << one << " before " << two << ": " << said;
    }
}

TEST_P(Damage, CutAtEachBorderItIsRefused) {
    std::vector<std::size_t> borders = {frame_, at_, at_ + layout::kHeaderSize};
    for (const Bytes& section : Container(container()).sections)
        borders.push_back(borders.back() + section.size());
    borders.push_back(at_ + length_);
    for (const std::size_t border : borders) {
        const Bytes cut(state_.begin(), state_.begin() + static_cast<std::ptrdiff_t>(border));
        EXPECT_NE(start(cut), "") << "at byte " << border;
    }
}

} // namespace
} // namespace segue::update
