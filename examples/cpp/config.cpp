// A live config in C++17: prints it, then does what it reads, line by line, and prints what the config became.
//
//     config PATH
//
//     DEBUG on        turns a flag on, or off
//     wait 10         waits for what somebody else changes, for so many seconds
//
// PATH may be that of a node that runs (config.bin in its data directory), which obeys with its next request.
// Makes the file if there is none.
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>
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

    // The same for loops: as long as nothing changes, it compares two numbers.
    const lattice_config_snapshot &read(lattice_config_cache &cache) const {
        check(lattice_config_read_cached(file.get(), &cache));
        return cache.snapshot;
    }

    lattice_config_snapshot set(const std::string &flag, bool on) {
        lattice_config_snapshot now;
        check(lattice_config_set_flag(file.get(), check(lattice_config_flag_bit(flag.c_str())), on, &now));
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

// What somebody else changes within so many seconds; else what it is already.
static lattice_config_snapshot wait(const Config &config, const lattice_config_snapshot &last, int seconds) {
    lattice_config_cache cache{};
    std::cout << "waiting" << std::endl;
    for (int turn = 0; turn <= seconds * 100; turn++) {
        // What a program's loop would do at each turn.
        if (config.read(cache).sequence != last.sequence) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return cache.snapshot;
}

static void run(const std::string &path) {
    Config config = open_or_create(path);
    lattice_config_snapshot now = config.read();
    std::cout << now << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string name, value;
        words >> name >> value;
        if (name == "wait") {
            const lattice_config_snapshot last = now;
            now = wait(config, last, std::atoi(value.c_str()));
            if (now.sequence == last.sequence) {
                std::cout << "no change" << std::endl;
                continue;
            }
        } else if (value == "on" || value == "off") {
            now = config.set(name, value == "on");
        } else {
            std::cerr << "neither a flag and on or off, nor a wait: " << line << std::endl;
            continue;
        }
        std::cout << now << std::endl;
    }
}

int main(int count, char **arguments) {
    if (count != 2) {
        std::cerr << "usage: " << arguments[0] << " PATH" << std::endl;
        return 2;
    }
    try {
        run(arguments[1]);
    } catch (const std::exception &error) {
        std::cerr << arguments[1] << ": " << error.what() << std::endl;
        return 1;
    }
}
