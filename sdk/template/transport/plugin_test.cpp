// SPDX-License-Identifier: Apache-2.0
// plugin_test.cpp FILE.so - the conformance cases of a transport. Add what only you can know of it.
#include <segue/testkit/check.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    if (argc != 2)
        return 2;
    const auto report = segue::testkit::check({argv[1], {{"name", "{dir}"}}});
    std::fputs(report.table().c_str(), stdout);
    return report.passed() ? 0 : 1;
}
