// Runs one fuzz target over every file of the directories and files named on the command line, and over every
// prefix of the small ones, so that the corpus works as a regression test without libFuzzer.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::size_t replay(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const std::size_t shortest = bytes.size() <= 512 ? 0 : bytes.size();
  for (std::size_t size = shortest; size <= bytes.size(); ++size) {
    LLVMFuzzerTestOneInput(data, size);
  }
  return bytes.size() - shortest + 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t runs = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      runs += replay(argv[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      runs += replay(entry.path());
    }
  }
  std::printf("%zu inputs replayed\n", runs);
  return runs > 0 ? 0 : 1;
}
