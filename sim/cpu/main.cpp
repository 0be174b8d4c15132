// A small computer (soc.v) in a simulator: see docs/cpu.md and sim/cpu_soc.py.
//
// Standard output is what the firmware sends through the serial port, taken from its line bit by
// bit; standard error ends with a line of JSON that tells how it went.

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "Vsoc.h"
#include "Vsoc___024root.h"
#include "verilated.h"

// Nothing here waits for simulated time.
double sc_time_stamp() { return 0; }

namespace {

constexpr int RESET_CYCLES = 10;
// Cycles in which what the serial port still holds comes out.
constexpr int SLICE = 4096;

std::vector<uint8_t> content(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) std::fprintf(stderr, "%s: %s\n", path, std::strerror(errno)), std::exit(2);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Receives bytes; each bit is sampled once, in its middle.
class Receiver {
  public:
    explicit Receiver(int divisor) : divisor_(divisor) {}
    uint64_t framing_errors = 0;
    void step(bool level) {
        if (bits_ == 0) {
            if (before_ && !level) bits_ = 10, left_ = divisor_ / 2 + 1;
            before_ = level;
            if (bits_ == 0) return;
        }
        if (--left_) return;
        left_ = divisor_;
        shift_ = shift_ >> 1 | static_cast<uint32_t>(level) << 9;
        if (--bits_) return;
        before_ = level;
        if (shift_ & 1 || !level) {
            ++framing_errors;
        } else {
            std::putchar(static_cast<int>(shift_ >> 1 & 0xFF));
        }
    }

  private:
    const int divisor_;
    uint32_t shift_ = 0;
    int bits_ = 0, left_ = 0;
    bool before_ = true;
};

class Computer {
  public:
    Computer(VerilatedContext& context, int divisor) : model_(&context), receiver_(divisor) {
        model_.clk = 0;
        model_.rst = 1;
        model_.eval();
        for (int n = 0; n < RESET_CYCLES; ++n) cycle();
    }

    void load(const std::vector<uint8_t>& bytes, uint32_t address) {
        auto& ram = model_.rootp->soc__DOT__ram;
        if (address % 4 || address + bytes.size() > 4 * ram.size()) {
            std::fprintf(stderr, "%zu bytes at 0x%08" PRIx32 " do not fit the RAM of %zu bytes\n",
                         bytes.size(), address, static_cast<size_t>(4 * ram.size()));
            std::exit(2);
        }
        for (size_t n = 0; n < bytes.size(); ++n) {
            const int shift = 8 * (n % 4);
            uint32_t& word = ram[address / 4 + n / 4];
            word = (word & ~(0xFFu << shift)) | static_cast<uint32_t>(bytes[n]) << shift;
        }
    }

    // Until it ends by itself, or for so many cycles; how it ended.
    const char* run(uint64_t limit) {
        model_.rst = 0;
        while (cycles_ < limit) {
            cycle();
            receiver_.step(model_.tx);
            asleep_ += model_.asleep;
            ++cycles_;
            if (model_.halted) return finish("halted");
            if (model_.trap) return finish("trap");
            if (model_.lost) return finish("lost");
        }
        return finish("limit");
    }

    void tell(const char* end) {
        std::fprintf(stderr,
                     "{\"end\": \"%s\", \"code\": %" PRIu32 ", \"waiting\": %d, \"pc\": %" PRIu32
                     ", \"address\": %" PRIu32 ", \"cycles\": %" PRIu64
                     ", \"instructions\": %" PRIu64 ", \"asleep\": %" PRIu64
                     ", \"refused\": %" PRIu32 ", \"framing_errors\": %" PRIu64 "}\n",
                     end, model_.code, waiting_, pc_, address_, cycles_, instructions_, asleep_,
                     model_.refused, receiver_.framing_errors);
    }

  private:
    void cycle() {
        model_.clk = 1;
        model_.eval();
        model_.clk = 0;
        model_.eval();
    }

    // What is on its way through the serial port comes out, whatever happened.
    const char* finish(const char* end) {
        pc_ = model_.pc, address_ = model_.bus_address, instructions_ = model_.instructions;
        waiting_ = model_.asleep;
        for (int n = 0; n < SLICE; ++n) cycle(), receiver_.step(model_.tx);
        std::fflush(stdout);
        return end;
    }

    Vsoc model_;
    Receiver receiver_;
    uint64_t cycles_ = 0, asleep_ = 0, instructions_ = 0;
    uint32_t pc_ = 0, address_ = 0;
    bool waiting_ = false;
};

}  // namespace

// FIRMWARE DATA ADDRESS CYCLES DIVISOR: what lies in RAM at 0 and at ADDRESS, most cycles, cycles of
// a bit of the serial line.
int main(int count, char** words) {
    if (count != 6) {
        std::fprintf(stderr, "wanted: FIRMWARE DATA ADDRESS CYCLES DIVISOR\n");
        return 2;
    }
    VerilatedContext context;
    // What nobody has written holds anything, the same in every run.
    context.randReset(2);
    context.randSeed(1);
    Computer computer(context, std::atoi(words[5]));
    computer.load(content(words[1]), 0);
    computer.load(content(words[2]), std::strtoul(words[3], nullptr, 0));
    computer.tell(computer.run(std::strtoull(words[4], nullptr, 10)));
}
