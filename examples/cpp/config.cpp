// A live config in C++17: prints it, turns METRICS over, and waits for what somebody else changes.
//
//     config PATH [SECONDS]
//
// Makes the file if there is none.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "lattice_config.h"

// What went wrong with the config, by its number.
class ConfigError : public std::runtime_error {
public:
    explicit ConfigError(int number) : std::runtime_error(lattice_config_error_string(number)), number(number) {}
    const int number;
};

// A file that is open. Threads may share it.
class Config {
public:
    explicit Config(const std::string &path) {
        lattice_config *opened;
        check(lattice_config_open(path.c_str(), LATTICE_CONFIG_READ_WRITE, &opened));
        file.reset(opened);
    }

    Config(const std::string &path, const lattice_config_record &fresh) {
        std::array<std::uint8_t, LATTICE_CONFIG_BYTES> bytes;
        check(lattice_config_encode(&fresh, bytes.data(), bytes.size()));
        lattice_config *made;
        check(lattice_config_create(path.c_str(), bytes.data(), bytes.size(), &made));
        file.reset(made);
    }

    lattice_config_snapshot read() const {
        lattice_config_snapshot now;
        check(lattice_config_read(file.get(), &now));
        return now;
    }

    // Whether the cache got another config.
    bool read(lattice_config_cache &cache) const { return check(lattice_config_read_cached(file.get(), &cache)) != 0; }

    lattice_config_snapshot toggle(lattice_config_flag flag) {
        lattice_config_snapshot now;
        check(lattice_config_toggle_flag(file.get(), flag, &now));
        return now;
    }

private:
    struct Close {
        void operator()(lattice_config *file) const { lattice_config_close(file); }
    };

    static int check(int result) {
        if (result < 0) throw ConfigError(result);
        return result;
    }

    std::unique_ptr<lattice_config, Close> file;
};

static std::ostream &operator<<(std::ostream &out, const lattice_config_snapshot &config) {
    lattice_config_record record;
    if (const int error = lattice_config_decode(config.bytes, sizeof config.bytes, &record)) throw ConfigError(error);
    out << "sequence " << config.sequence << ": version " << +record.version << ", registry 0x" << std::hex
        << std::setw(8) << std::setfill('0') << record.registry_hash << std::dec << ", mode " << +record.terminal_mode
        << ", " << +record.rows << " x " << +record.cols << ", flags";
    for (std::uint32_t bit = 0; bit < 32; bit++) {
        if ((record.feature_flags >> bit & 1) == 0) continue;
        const char *name = lattice_config_flag_name(bit);
        out << ' ' << (name != nullptr ? name : std::to_string(bit));
    }
    return out;
}

static Config open_or_create(const std::string &path) {
    try {
        return Config(path);
    } catch (const ConfigError &error) {
        if (error.number != LATTICE_CONFIG_E_NOT_FOUND) throw;
    }
    lattice_config_record fresh{};
    fresh.version = LATTICE_CONFIG_VERSION;
    fresh.rows = 24;
    fresh.cols = 80;
    return Config(path, fresh);
}

static void run(const std::string &path, int seconds) {
    Config config = open_or_create(path);
    std::cout << config.read() << std::endl;
    const lattice_config_snapshot ours = config.toggle(LATTICE_CONFIG_FLAG_METRICS);
    std::cout << ours << std::endl;

    // What a program's loop would do at each turn.
    lattice_config_cache cache{};
    config.read(cache);
    bool changed = cache.snapshot.sequence != ours.sequence;
    std::cout << "waiting" << std::endl;
    for (int turn = 0; turn < seconds * 100 && !changed; turn++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        changed = config.read(cache);
    }
    if (changed) {
        std::cout << cache.snapshot << std::endl;
    } else {
        std::cout << "no change" << std::endl;
    }
}

int main(int count, char **arguments) {
    if (count < 2) {
        std::cerr << "usage: " << arguments[0] << " PATH [SECONDS]" << std::endl;
        return 2;
    }
    try {
        run(arguments[1], count > 2 ? std::atoi(arguments[2]) : 10);
    } catch (const std::exception &error) {
        std::cerr << arguments[1] << ": " << error.what() << std::endl;
        return 1;
    }
}
