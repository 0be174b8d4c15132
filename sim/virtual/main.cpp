// A board in a simulator, at the end of a pseudo-terminal: see sim/virtual_board.py.
//
// The design's one clock is run cycle by cycle. The serial line is there as at the pins: a bit is
// DIVISOR cycles long in both directions. Standard input takes commands, one a line, and ends the
// simulation where it is closed; standard output gets lines of JSON.

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "Vboard.h"
#include "ports.h"  // written for the design: LEDS, LED_NAMES, leds(), button(), tie()
#include "verilated.h"

// Nothing here waits for simulated time.
double sc_time_stamp() { return 0; }

namespace {

using Clock = std::chrono::steady_clock;

// Cycles between two looks at the outside, while busy and while idle.
constexpr uint64_t SLICE = 256, IDLE_SLICE = 1000;
// Milliseconds without a byte after which the simulation takes it easy, and how long it then waits
// for one between two slices; between two reports of lights, at least.
constexpr int QUIET_MS = 50, REST_MS = 10, REPORT_MS = 50;
// Bytes that wait for a reader before more are lost, as they are at a real port.
constexpr size_t MOST_WAITING = 1 << 16;
// Cycles by which the speed is measured.
constexpr uint64_t MEASURED = 100000;

volatile sig_atomic_t ended = 0;

void end(int) { ended = 1; }

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

// Sends bytes as bits of `divisor` cycles, back to back.
class Sender {
  public:
    explicit Sender(int divisor) : divisor_(divisor) {}
    bool idle() const { return bits_ == 0 && next_ == waiting_.size(); }
    void add(const char* data, size_t count) {
        if (next_ == waiting_.size()) waiting_.clear(), next_ = 0;
        waiting_.append(data, count);
    }
    size_t waiting() const { return waiting_.size() - next_; }
    // Level of the line in the next cycle.
    bool step() {
        if (left_ == 0) {
            if (bits_ == 0) {
                if (next_ == waiting_.size()) return true;
                // Stop bit, eight bits, start bit.
                shift_ = 0x200 | static_cast<uint8_t>(waiting_[next_++]) << 1;
                bits_ = 10;
            }
            level_ = shift_ & 1;
            shift_ >>= 1, --bits_, left_ = divisor_;
        }
        --left_;
        return level_;
    }

  private:
    const int divisor_;
    std::string waiting_;
    size_t next_ = 0;
    uint32_t shift_ = 0;
    int bits_ = 0, left_ = 0;
    bool level_ = true;
};

// Receives bytes; each bit is sampled once, in its middle.
class Receiver {
  public:
    explicit Receiver(int divisor) : divisor_(divisor) {}
    std::string bytes;
    uint64_t framing_errors = 0;
    bool idle() const { return bits_ == 0; }
    void step(bool level) {
        if (bits_ == 0) {
            if (before_ && !level) bits_ = 10, left_ = divisor_ / 2;
            before_ = level;
        } else if (--left_ == 0) {
            left_ = divisor_;
            sample(level);
        }
    }

  private:
    void sample(bool level) {
        shift_ = shift_ >> 1 | static_cast<uint32_t>(level) << 9;
        if (--bits_) return;
        before_ = level;
        if (shift_ & 1 || !level) {
            ++framing_errors;
        } else if (bytes.size() < MOST_WAITING) {
            bytes += static_cast<char>(shift_ >> 1);
        }
    }
    const int divisor_;
    uint32_t shift_ = 0;
    int bits_ = 0, left_ = 0;
    bool before_ = true;
};

class Board {
  public:
    Board(VerilatedContext& context, int divisor, uint64_t reset)
        : model_(&context), sender_(divisor), receiver_(divisor), reset_(reset) {
        tie(model_);
        button(model_, false);
        model_.rx = 1;
        model_.clk = 0;
        model_.eval();
    }

    void open() {
        int slave;
        if (openpty(&terminal_, &slave, nullptr, nullptr, nullptr)) fail("openpty");
        termios settings;
        if (tcgetattr(slave, &settings)) fail("tcgetattr");
        cfmakeraw(&settings);
        if (tcsetattr(slave, TCSANOW, &settings)) fail("tcsetattr");
        name_ = ttyname(slave);
        // The slave stays open: the terminal must outlive the programs that use it.
        fcntl(terminal_, F_SETFL, fcntl(terminal_, F_GETFL) | O_NONBLOCK);
        fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    }

    void run() {
        simulate(reset_);
        receiver_.bytes.clear();
        const auto begin = Clock::now();
        simulate(MEASURED);
        const double took = std::chrono::duration<double>(Clock::now() - begin).count();
        const double speed = MEASURED / std::max(took, 1e-9);
        std::printf("{\"number\": 0, \"port\": \"%s\", \"speed\": %.0f}\n", name_.c_str(), speed);
        report(-1);
        active_ = reported_ = Clock::now();
        while (!ended) {
            const auto now = Clock::now();
            const bool changed = leds(model_) != lights_;
            // A light that is out tells that a run may go on.
            if (!sender_.idle() || !receiver_.idle() || !resting(model_)) active_ = now;
            const bool quiet = now - active_ > std::chrono::milliseconds(QUIET_MS);
            if (changed && now - reported_ >= std::chrono::milliseconds(REPORT_MS)) report(-1);
            if (quiet) rest();
            simulate(quiet ? IDLE_SLICE : SLICE);
            exchange();
            if (++looks_ % 16 == 0 || quiet) listen();
        }
        report(-1);
    }

  private:
    void simulate(uint64_t count) {
        for (uint64_t n = 0; n < count; ++n) {
            model_.rx = sender_.step();
            model_.clk = 1;
            model_.eval();
            model_.clk = 0;
            model_.eval();
            receiver_.step(model_.tx);
        }
        cycles_ += count;
    }

    void rest() {
        pollfd files[] = {{terminal_, POLLIN, 0}, {0, POLLIN, 0}};
        poll(files, 2, REST_MS);
    }

    // Bytes between terminal and line.
    void exchange() {
        char data[4096];
        if (sender_.waiting() == 0) {
            const ssize_t count = read(terminal_, data, sizeof data);
            if (count > 0) sender_.add(data, count), active_ = Clock::now();
        }
        if (!receiver_.bytes.empty()) {
            const ssize_t count = write(terminal_, receiver_.bytes.data(), receiver_.bytes.size());
            if (count > 0) receiver_.bytes.erase(0, count), active_ = Clock::now();
        }
    }

    // Commands.
    void listen() {
        char data[256];
        const ssize_t count = read(0, data, sizeof data);
        if (count == 0) ended = 1;
        if (count <= 0) return;
        commands_.append(data, count);
        for (size_t end; (end = commands_.find('\n')) != std::string::npos;) {
            command(commands_.substr(0, end));
            commands_.erase(0, end + 1);
        }
    }

    // "status NUMBER" reports; "press NUMBER CYCLES" has the button pressed for so long before.
    void command(const std::string& line) {
        long long number = 0;
        uint64_t held = 0;
        if (std::sscanf(line.c_str(), "press %lld %" SCNu64, &number, &held) == 2) {
            button(model_, true);
            simulate(held);
            button(model_, false);
            simulate(reset_);
            report(number);
        } else if (std::sscanf(line.c_str(), "status %lld", &number) == 1) {
            report(number);
        }
    }

    void report(long long number) {
        lights_ = leds(model_);
        reported_ = Clock::now();
        std::printf("{\"number\": %lld, \"cycles\": %" PRIu64 ", \"framing_errors\": %" PRIu64
                    ", \"leds\": {", number, cycles_, receiver_.framing_errors);
        for (int n = 0; n < LEDS; ++n)
            std::printf("%s\"%s\": %d", n ? ", " : "", LED_NAMES[n],
                        static_cast<int>(lights_ >> n & 1));
        std::printf("}}\n");
        std::fflush(stdout);
    }

    Vboard model_;
    Sender sender_;
    Receiver receiver_;
    const uint64_t reset_;
    std::string name_, commands_;
    uint64_t cycles_ = 0, looks_ = 0;
    uint32_t lights_ = 0;
    int terminal_ = -1;
    Clock::time_point active_, reported_;
};

}  // namespace

// DIVISOR RESET: cycles of a bit, and of the reset after configuration.
int main(int count, char** words) {
    if (count != 3) return std::fprintf(stderr, "wanted: DIVISOR RESET\n"), 2;
    signal(SIGTERM, end);
    signal(SIGINT, end);
    signal(SIGPIPE, SIG_IGN);
    VerilatedContext context;
    // Flip-flops without a value hold anything, the same in every run.
    context.randReset(2);
    context.randSeed(1);
    Board board(context, std::atoi(words[1]), std::strtoull(words[2], nullptr, 10));
    board.open();
    board.run();
}
