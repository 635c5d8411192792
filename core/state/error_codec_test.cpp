// SPDX-License-Identifier: Apache-2.0
#include "core/state/error_codec.hpp"

#include <gtest/gtest.h>

namespace segue::state {
namespace {

TEST(ErrorCodec, ARefusalKeepsItsWords) {
    const Error e = Error(Code::Refused, "guest.vcpus is 2 here and 4 there")
                        .way_out("give the new VMM the same configuration")
                        .with("key", "guest.vcpus");
    const Error back = decode_error(encode_error(e));
    EXPECT_EQ(back.code(), Code::Refused);
    EXPECT_EQ(back.what(), e.what());
    EXPECT_EQ(back.way_out(), e.way_out());
    EXPECT_EQ(back.detail("key"), "guest.vcpus");
}

TEST(ErrorCodec, DamageIsStillARefusal) {
    auto bytes = encode_error(Error(Code::Io, "x"));
    bytes.resize(bytes.size() / 2);
    EXPECT_EQ(decode_error(bytes).code(), Code::Refused);
    EXPECT_NE(decode_error({}).what().find("damaged"), std::string::npos);
}

} // namespace
} // namespace segue::state
