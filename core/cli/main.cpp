// SPDX-License-Identifier: Apache-2.0
// The command line of `segue`: the only file that knows the parser.
#include <CLI/CLI.hpp>

#include "core/base/version.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"

namespace segue::cli {
namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  segue run web1.toml                        start a guest\n"
    "  segue update web1                          replace its VMM, as its configuration says\n"
    "  segue update web1 --binary /opt/new/segue-vmm --mode cpr-transfer\n"
    "  segue update web1 --dry-run                what stands in its way, and how long it would "
    "take\n"
    "  segue status web1 --json                   for scripts\n"
    "  segue history web1 --limit 5               what became of its updates\n"
    "In `update` and `watch` Ctrl-C asks whether to cancel; once more leaves the update alone.\n"
    "Exit codes: 0 done; 1 failed, the guest goes on unharmed; 2 usage or configuration;\n"
    "  3 refused; 4 cancelled; 5 no such guest; 6 no answer in time; 7 the VMM was lost in the "
    "update;\n  8 left alone: the update goes on.";

struct CommandLine {
    CLI::App app{"Replaces the VMM process under a running guest."};
    std::string run_dir, state_dir, guest, plugin, mode, id;
    std::string size, channel;
    bool json = false, detach = false, force = false, here = false, there = false;
    RunOptions run_options;
    StartOptions start_options;
    UpdateOptions update_options;
    CheckOptions check_options;
    DoctorOptions doctor_options;
    InspectOptions inspect_options;
    HistoryOptions history_options;
    PluginsOptions plugins_options;
    NewPluginOptions new_plugin_options;
    AgentOptions agent_options;
    std::function<ExitCode(const Places&)> chosen;

    CommandLine();
    CLI::App* command(const char* name, const char* text, std::function<ExitCode(const Places&)> f);
    void add_guest(CLI::App* command) {
        command->add_option("NAME", guest, "the guest's name")->required();
    }
    void add_run();
    void add_save_and_start();
    void add_update();
    void add_watch();
    void add_guest_verbs();
    void add_plugins();
    void add_files();
};

CLI::App* CommandLine::command(const char* name, const char* text,
                               std::function<ExitCode(const Places&)> f) {
    auto* sub = app.add_subcommand(name, text);
    sub->callback([this, f = std::move(f)] { chosen = f; });
    return sub;
}

CommandLine::CommandLine() {
    app.set_version_flag("--version", std::string("segue ") + version());
    app.add_option("--run-dir", run_dir, "folder of the guests' sockets, on tmpfs");
    app.add_option("--state-dir", state_dir, "folder of the guests' journals");
    app.require_subcommand(1);
    app.fallthrough();
    app.footer(kExamples);
    add_run();
    add_save_and_start();
    add_update();
    add_watch();
    add_guest_verbs();
    add_plugins();
    add_files();
}

void CommandLine::add_run() {
    auto* c = command("run", "start a guest and wait until it runs",
                      [this](const Places& p) { return cli::run(p, run_options); });
    c->add_option("CONFIG", run_options.config, "TOML file")->required();
    c->add_option("--set", run_options.set, "KEY=VALUE in place of what the file says")
        ->allow_extra_args(false);
    c->add_option("--incoming", run_options.incoming,
                  "wait at TRANSPORT:ADDRESS for the guest to come from another host");
    auto* foreground = c->add_flag("--foreground", run_options.foreground,
                                   "become the VMM: for its stdio console and for supervisors");
    c->add_flag("--detach", detach, "leave the VMM running in a session of its own (the default)")
        ->excludes(foreground);
}

void CommandLine::add_save_and_start() {
    auto* save = command("save", "put a guest to rest in its state and end its VMM",
                         [this](const Places& p) { return cli::save(p, guest, mode); });
    add_guest(save);
    save->add_option("--mode", mode, "how (default: the first allowed mode that can)");
    auto* start =
        command("start", "let a guest go on from where it was saved", [this](const Places& p) {
            start_options.guest = guest;
            return cli::start(p, start_options);
        });
    add_guest(start);
    start->add_option("--config", start_options.config, "TOML file (default: the one that it had)");
    start
        ->add_option("--accept-changed-disk", start_options.changed_disks,
                     "ID of a disk that may have changed since; what the guest has in memory of it "
                     "is then wrong")
        ->allow_extra_args(false);
    start->add_flag("--foreground", start_options.foreground, "become the VMM");
}

void CommandLine::add_update() {
    auto* c = command("update", "replace the VMM under a guest", [this](const Places& p) {
        update_options.guest = guest;
        return cli::update(p, update_options);
    });
    add_guest(c);
    auto* how = c->add_option("--mode", update_options.mode,
                              "how the guest moves (default: its configuration)");
    c->add_flag_callback(
         "--postcopy", [this] { update_options.mode = "postcopy"; },
         "as --mode postcopy: copy while it runs, until `segue postcopy` or switch_after")
        ->excludes(how);
    c->add_option("--binary", update_options.binary, "the new VMM (default: its configuration)");
    c->add_option("--config", update_options.config, "another configuration file from now on");
    c->add_option("--channel", update_options.channel,
                  "to another host: TRANSPORT:ADDRESS where its VMM waits (tcp:192.0.2.2:4444)");
    auto* dry = c->add_flag("--dry-run", update_options.dry_run,
                            "say whether it could be done and how it would go; touch nothing");
    c->add_flag("--rehearse", update_options.rehearse,
                "do all but the last step, and go back: the blackout measured, the guest stays")
        ->excludes(dry);
    auto* suspend =
        c->add_flag("--suspend", update_options.suspend,
                    "have the guest agent suspend the guest first, and wake it afterwards");
    c->add_option("--suspend-timeout", update_options.suspend_timeout_s,
                  "seconds that it may take to fall asleep (default: 30)")
        ->needs(suspend);
    c->add_flag("--no-wait", update_options.no_wait, "print the update's id and return")
        ->excludes(dry)
        ->excludes(suspend);
    c->add_flag("--json", update_options.json, "the record as a JSON line at each change");
    c->add_option("--generation", update_options.generation,
                  "only if the guest is in this generation");
}

void CommandLine::add_watch() {
    auto* w = command("watch", "show the update that runs, or the last, to its end",
                      [this](const Places& p) { return cli::watch(p, guest, id, json); });
    add_guest(w);
    w->add_option("ID", id, "another update, as `segue history` names it");
    w->add_flag("--json", json, "the record as a JSON line at each change");
    auto* h = command("history", "show the updates of a guest, or of all",
                      [this](const Places& p) { return cli::history(p, history_options); });
    h->add_option("NAME", history_options.guest, "the guest's name");
    h->add_option("--limit", history_options.limit, "the newest N");
    h->add_flag("--json", history_options.json, "a JSON line each");
}

void CommandLine::add_guest_verbs() {
    auto* s = command("status", "show a guest",
                      [this](const Places& p) { return cli::status(p, guest, json); });
    add_guest(s);
    s->add_flag("--json", json, "as a JSON line");
    command("list", "show all guests", [this](const Places& p) {
        return cli::list(p, json);
    })->add_flag("--json", json, "as JSON lines, those that run");
    using Verb = ExitCode (*)(const Places&, const std::string&);
    const auto verb = [this](const char* name, const char* text, Verb f) {
        add_guest(command(name, text, [this, f](const Places& p) { return f(p, guest); }));
    };
    verb("cancel", "cancel the update that is running", cli::cancel);
    verb("postcopy", "let the guest run on the new side now, and the rest of its RAM follow",
         cli::postcopy);
    auto* again = command("recover", "go on with an update by postcopy whose connection is lost",
                          [this](const Places& p) { return cli::recover(p, guest, channel); });
    add_guest(again);
    again
        ->add_option("--channel", channel,
                     "TRANSPORT:ADDRESS where the new VMM waits from now on; on both hosts")
        ->required();
    auto* r = command("resolve", "say where a guest is to run whose switch-over is in doubt",
                      [this](const Places& p) { return cli::resolve(p, guest, here); });
    add_guest(r);
    auto* sides = r->add_option_group("side");
    sides->add_flag("--here", here, "here: the other host has not run it, and will not");
    sides->add_flag("--there", there, "on the other host: it runs there, or will");
    sides->require_option(1);
    verb("pause", "stop a guest's vCPUs", cli::pause);
    verb("resume", "let them run again", cli::resume);
    verb("wakeup", "wake a guest that is suspended", cli::wakeup);
    auto* off = command("shutdown", "press a guest's power button",
                        [this](const Places& p) { return cli::shutdown(p, guest, force); });
    add_guest(off);
    off->add_flag("--force", force, "end the guest and its VMM at once, as a power cut does");
    auto* b = command("balloon", "have a guest give memory back, or say how much it has given",
                      [this](const Places& p) { return cli::balloon(p, guest, size); });
    add_guest(b);
    b->add_option("SIZE", size, "in all, such as 512M; 0: it gets everything again");
    auto* a = command("agent", "send a command to the guest agent", [this](const Places& p) {
        agent_options.guest = guest;
        return cli::agent(p, agent_options);
    });
    add_guest(a);
    a->add_option("COMMAND", agent_options.command, "guest-ping, guest-info, ...")->required();
    a->add_option("ARGUMENTS", agent_options.arguments, "a JSON object");
    a->add_option("--timeout", agent_options.timeout_s, "seconds to wait for it (default: 10)");
    verb("kill", "end a guest whose VMM does not answer", cli::kill);
}

void CommandLine::add_plugins() {
    auto* c = command("plugins", "list the plugins; nothing is opened", [this](const Places&) {
        if (!new_plugin_options.name.empty())
            return new_plugin(new_plugin_options);
        return plugin.empty() ? cli::plugins(plugins_options)
                              : describe_plugin(plugins_options, plugin);
    });
    c->add_option("--dir", plugins_options.dirs, "another folder, searched first")
        ->allow_extra_args(false);
    c->add_option("--config", plugins_options.config, "a guest's file: its folders, too");
    c->add_subcommand("describe", "what a plugin can do, and its options")
        ->add_option("ID", plugin, "\"unix\" or \"transport/unix\"")
        ->required();
    auto* n = c->add_subcommand("new", "write a folder with a plugin of your own, ready to build");
    n->add_option("NAME", new_plugin_options.name, "its id: acme-link")->required();
    n->add_option("--kind", new_plugin_options.kind, "transport or memory")
        ->required()
        ->check(CLI::IsMember({"transport", "memory"}));
    n->add_option("--dir", new_plugin_options.dir, "where its folder is made (default: here)");
}

void CommandLine::add_files() {
    auto* c = command("check", "check a configuration",
                      [this](const Places&) { return cli::check(check_options); });
    c->add_option("CONFIG", check_options.config, "TOML file")->required();
    c->add_option("--set", check_options.set, "KEY=VALUE in place of what the file says")
        ->allow_extra_args(false);
    c->add_flag("--effective", check_options.effective, "print every setting and where it is from");
    auto* d = command("doctor", "say what works on this host, and which modes a guest could use",
                      [this](const Places& p) { return cli::doctor(p, doctor_options); });
    d->add_option("CONFIG", doctor_options.config, "TOML file of a guest");
    d->add_option("--set", doctor_options.set, "KEY=VALUE in place of what the file says")
        ->allow_extra_args(false);
    auto* i = command("inspect", "print a state file",
                      [this](const Places& p) { return cli::inspect(p, inspect_options); });
    i->add_option("FILE", inspect_options.file, "state file, or a state at rest")->required();
    auto* as_json = i->add_flag("--json", inspect_options.json, "as JSON, byte strings whole");
    i->add_option("--diff", inspect_options.other,
                  "print what differs from that file; exits with 1 where something does")
        ->excludes(as_json);
    auto* binary = i->add_option("--for", inspect_options.binary,
                                 "ask that segue-vmm whether it could restore a state at rest; "
                                 "exits with 1 where it could not");
    binary->excludes(as_json)->excludes("--diff");
    i->add_option("--config", inspect_options.config, "the file to ask it with: the saved guest's")
        ->needs(binary);
}

ExitCode run_command(int argc, char** argv) {
    CommandLine line;
    try {
        line.app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return line.app.exit(e) == 0 ? ExitCode::Ok : ExitCode::Usage;
    }
    const auto places = Places::find(line.run_dir, line.state_dir);
    return places ? line.chosen(*places) : fail(places.error());
}

} // namespace
} // namespace segue::cli

int main(int argc, char** argv) {
    return static_cast<int>(segue::cli::run_command(argc, argv));
}
