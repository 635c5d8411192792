// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

#include "core/plugin/adapters/keeper.hpp"
#include "core/update/exec_fds.hpp"
#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

// One image of a process: what it put is what the next one gets.
struct Image {
    plugin::Keeper keeper(test::OpenPlugins& plugins) {
        const plugin::LoadedPlugin* p = plugins.load("keeper/exec").value();
        const auto config = plugin::PluginConfig::defaults(p->manifest());
        return std::move(plugin::Keeper::create(*p, config.value(), fds.table()).value());
    }
    Status after(const Image& before) {
        state::Writer out{state::Header{}};
        before.fds.write(out);
        const auto in = state::Reader::parse(out.finish());
        return fds.read(in.value());
    }
    update::ExecFds fds;
};

class ExecKeeper : public testing::Test {
protected:
    test::OpenPlugins plugins_;
    Image old_, new_;
};

TEST_F(ExecKeeper, GivesBackWhatItHeldByName) {
    const UniqueFd a = sys::event().value(), b = sys::event().value();
    // As execve leaves them: with the numbers that they had.
    const int a_later = sys::dup(a.get())->release(), b_later = sys::dup(b.get())->release();
    plugin::Keeper before = old_.keeper(plugins_);
    const segue_item items[] = {{"segue.0", a_later, 0}, {"segue.1", b_later, 0}};
    ASSERT_TRUE(before.check(items));
    ASSERT_TRUE(before.hold(items));
    ASSERT_TRUE(new_.after(old_));
    plugin::Keeper after = new_.keeper(plugins_);
    const auto kept = after.take();
    ASSERT_TRUE(kept) << kept.error().what();
    ASSERT_EQ(kept->size(), 2u);
    EXPECT_EQ((*kept)[0].name, "segue.0");
    EXPECT_EQ((*kept)[0].fd.get(), a_later);
    EXPECT_EQ((*kept)[1].name, "segue.1");
    EXPECT_EQ((*kept)[1].fd.get(), b_later);
    EXPECT_EQ(::fcntl(b_later, F_GETFD), FD_CLOEXEC);
}

TEST_F(ExecKeeper, HoldsAllOrNone) {
    plugin::Keeper keeper = old_.keeper(plugins_);
    const UniqueFd fd = sys::event().value();
    const segue_item twice[] = {{"segue.0", fd.get(), 0}, {"segue.0", fd.get(), 0}};
    EXPECT_EQ(keeper.hold(twice).code(), Code::Exists);
    EXPECT_TRUE(old_.fds.numbers().empty());
}

TEST_F(ExecKeeper, DropsWhatItHeldAndLeavesItOpen) {
    plugin::Keeper keeper = old_.keeper(plugins_);
    const UniqueFd fd = sys::event().value();
    const segue_item item[] = {{"segue.0", fd.get(), 0}};
    ASSERT_TRUE(keeper.hold(item));
    EXPECT_EQ(old_.fds.numbers().size(), 1u);
    keeper.drop();
    EXPECT_TRUE(old_.fds.numbers().empty());
    EXPECT_GE(::fcntl(fd.get(), F_GETFD), 0);
    EXPECT_TRUE(keeper.hold(item)) << "again, after a rollback";
}

TEST_F(ExecKeeper, HasNothingWhereNothingCame) {
    const auto kept = new_.keeper(plugins_).take();
    ASSERT_TRUE(kept) << kept.error().what();
    EXPECT_TRUE(kept->empty());
}

} // namespace
} // namespace segue
