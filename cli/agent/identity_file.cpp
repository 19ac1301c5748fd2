#include "cli/agent/identity_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sodium.h>
#include <span>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "core/base/secret.hpp"
#include "net/server/descriptor.hpp"

namespace ghoard::agent {

namespace {

namespace fs = std::filesystem;
using base::SecretBytes;
using server::Descriptor;

// The file: "ghoard-identity" and the version byte; the machine's MAC, or zeros for an unbound file; the Ed25519 seed;
// the first eight bytes of the SHA-256 of all that.
constexpr std::array<std::uint8_t, 16> head{'g', 'h', 'o', 'a', 'r', 'd', '-', 'i',
                                            'd', 'e', 'n', 't', 'i', 't', 'y', 1};
constexpr std::size_t version_at = head.size() - 1;
constexpr std::size_t mac_size = 32;
constexpr std::size_t checksum_size = 8;
constexpr std::size_t seed_at = head.size() + mac_size;
constexpr std::size_t checksum_at = seed_at + peer::Identity::seed_size;
constexpr std::size_t file_size = checksum_at + checksum_size;
static_assert(file_size == 88);

using Mac = std::array<std::uint8_t, mac_size>;

constexpr int lock_attempts = 100;
constexpr int lock_pause_ms = 10;

tl::unexpected<base::Error> refuse(const fs::path& file, const std::string& why) {
  return base::fail(base::ErrorCode::refused, "identity file " + file.string() + " " + why);
}

tl::unexpected<base::Error> failed(const std::string& what, const fs::path& file) {
  const int error = errno;
  return base::fail(base::ErrorCode::system,
                    "cannot " + what + " identity file " + file.string() + ": " + std::strerror(error));
}

Mac mac_of(std::string_view machine) {
  constexpr std::string_view label = "ghoard/identity/v1";
  Mac mac{};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(machine.data()), machine.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(label.data()), label.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  return mac;
}

void write_checksum(std::span<const std::uint8_t> bytes, std::span<std::uint8_t, checksum_size> out) {
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), bytes.data(), checksum_at);
  std::copy_n(hash.begin(), checksum_size, out.begin());
}

/// What a file that may be read as an identity turned out to be.
struct Found {
  enum class State { absent, whole, foreign, damaged } state = State::absent;
  SecretBytes bytes;  // of a whole one
};

base::Result<void> check_file(int descriptor, const fs::path& file) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    return failed("look at", file);
  }
  if (!S_ISREG(status.st_mode)) {
    return refuse(file, "is no regular file");
  }
  if (status.st_uid != ::geteuid()) {
    return refuse(file, "belongs to another user");
  }
  if ((status.st_mode & 0077) != 0) {
    return refuse(file, "is open to other users; run `chmod 600 " + file.string() +
                            "`, or remove it if somebody may have read it");
  }
  return {};
}

/// Up to one byte more than an identity has, so that a longer file is seen.
base::Result<SecretBytes> read_file(int descriptor, const fs::path& file, std::size_t& size) {
  base::Result<SecretBytes> bytes = SecretBytes::create(file_size + 1);
  for (size = 0; bytes && size <= file_size;) {
    const ssize_t count = ::read(descriptor, bytes->writable().data() + size, file_size + 1 - size);
    if (count < 0 && errno != EINTR) {
      return failed("read", file);
    }
    if (count == 0) {
      break;
    }
    size += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  return bytes;
}

bool has_valid_checksum(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, checksum_size> checksum{};
  write_checksum(bytes, checksum);
  return std::equal(checksum.begin(), checksum.end(), bytes.begin() + checksum_at);
}

base::Result<Found> judge(SecretBytes bytes, std::size_t size, const IdentityPlace& place, const Mac& machine) {
  const std::span<const std::uint8_t> all = bytes.bytes();
  const bool headed = size > version_at && std::equal(head.begin(), head.begin() + version_at, all.begin());
  if (headed && all[version_at] > head[version_at]) {
    return refuse(place.file, "is of a later version of ghoard");
  }
  if (!headed || size != file_size || all[version_at] != head[version_at] || !has_valid_checksum(all)) {
    return Found{Found::State::damaged, {}};
  }
  const std::span<const std::uint8_t> written = all.subspan(head.size(), mac_size);
  const bool unbound = std::all_of(written.begin(), written.end(), [](std::uint8_t byte) { return byte == 0; });
  const bool foreign = place.bound && !unbound && !std::equal(written.begin(), written.end(), machine.begin());
  return Found{foreign ? Found::State::foreign : Found::State::whole, std::move(bytes)};
}

base::Result<Found> look(const IdentityPlace& place, const Mac& machine) {
  // O_NONBLOCK: a FIFO in its place must not hold the agent up.
  const Descriptor descriptor(::open(place.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!descriptor.open()) {
    if (errno == ENOENT) {
      return Found{};
    }
    return errno == ELOOP ? refuse(place.file, "is a symbolic link; name the file itself") : failed("open", place.file);
  }
  if (base::Result<void> good = check_file(descriptor.get(), place.file); !good) {
    return tl::unexpected(good.error());
  }
  std::size_t size = 0;
  base::Result<SecretBytes> bytes = read_file(descriptor.get(), place.file, size);
  return bytes ? judge(std::move(*bytes), size, place, machine) : tl::unexpected(bytes.error());
}

base::Result<SecretBytes> make_bytes(const IdentityPlace& place, const Mac& machine) {
  base::Result<SecretBytes> bytes = SecretBytes::create(file_size);
  if (!bytes) {
    return bytes;
  }
  const std::span<std::uint8_t> all = bytes->writable();
  std::copy(head.begin(), head.end(), all.begin());
  if (place.bound) {
    std::copy(machine.begin(), machine.end(), all.begin() + head.size());
  }
  randombytes_buf(all.data() + seed_at, peer::Identity::seed_size);
  write_checksum(all, std::span<std::uint8_t, checksum_size>(all.data() + checksum_at, checksum_size));
  return bytes;
}

/// A file under a name of its own beside the identity; gone with this object, so that no failure leaves a key behind.
class Draft {
 public:
  explicit Draft(const fs::path& file) : m_name(file.string() + ".new.XXXXXX") {
    m_descriptor = Descriptor(::mkostemp(m_name.data(), O_CLOEXEC));  // mode 0600
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (m_descriptor.open()) {
      ::unlink(m_name.c_str());
    }
  }

  [[nodiscard]] bool open() const { return m_descriptor.open(); }
  [[nodiscard]] bool write(std::span<const std::uint8_t> bytes) const {
    return ::write(m_descriptor.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
           ::fsync(m_descriptor.get()) == 0;
  }
  /// Under the name for good, unless something has that name.
  [[nodiscard]] bool publish(const fs::path& file) const { return ::link(m_name.c_str(), file.c_str()) == 0; }

 private:
  std::string m_name;
  Descriptor m_descriptor;
};

base::Result<void> store(const fs::path& file, const SecretBytes& bytes, int directory) {
  const Draft draft(file);
  if (!draft.open() || !draft.write(bytes.bytes()) || !draft.publish(file)) {
    return failed("make", file);
  }
  // A directory that cannot be synced costs at worst this identity in a power failure: then a new one is made.
  ::fsync(directory);
  return {};
}

base::Result<void> set_aside(const fs::path& file, const char* suffix) {
  const std::string aside = file.string() + suffix;
  if (::rename(file.c_str(), aside.c_str()) != 0) {
    return failed("set aside", file);
  }
  return {};
}

/// Locks the directory, so that agents that start at once do not set each other's new identities aside.
base::Result<Descriptor> lock_directory(const fs::path& file) {
  const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path(".");
  Descriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.open()) {
    return failed("make", file);
  }
  for (int i = 0; i < lock_attempts; ++i) {
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) {
      return descriptor;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return failed("lock the directory of", file);
    }
    ::poll(nullptr, 0, lock_pause_ms);
  }
  return base::fail(base::ErrorCode::busy, "another process is making identity file " + file.string());
}

base::Result<HeldIdentity> identity_in(const SecretBytes& bytes, HeldIdentity::Origin origin) {
  base::Result<peer::Identity> identity = peer::Identity::create(
      std::span<const std::uint8_t, peer::Identity::seed_size>(bytes.bytes().data() + seed_at, checksum_at - seed_at));
  return identity ? base::Result<HeldIdentity>(HeldIdentity{std::move(*identity), origin})
                  : tl::unexpected(identity.error());
}

/// Makes room for a new identity where that is allowed, and says why there is none.
base::Result<HeldIdentity::Origin> make_room(const IdentityPlace& place, Found::State state) {
  base::Result<void> moved;
  HeldIdentity::Origin origin = HeldIdentity::Origin::made;
  if (state == Found::State::damaged && !place.bound) {
    return base::fail(base::ErrorCode::corrupted,
                      "identity file " + place.file.string() + " holds no identity; name another file, or remove it");
  }
  if (state == Found::State::damaged) {
    moved = set_aside(place.file, ".damaged");
    origin = HeldIdentity::Origin::damaged;
  } else if (state == Found::State::foreign) {
    moved = set_aside(place.file, ".cloned");
    origin = HeldIdentity::Origin::cloned;
  }
  return moved ? base::Result<HeldIdentity::Origin>(origin) : tl::unexpected(moved.error());
}

base::Result<HeldIdentity> make_identity(const IdentityPlace& place, const Mac& machine) {
  const base::Result<Descriptor> lock = lock_directory(place.file);
  if (!lock) {
    return tl::unexpected(lock.error());
  }
  // Somebody else may have made it meanwhile.
  const base::Result<Found> found = look(place, machine);
  if (!found) {
    return tl::unexpected(found.error());
  }
  if (found->state == Found::State::whole) {
    return identity_in(found->bytes, HeldIdentity::Origin::loaded);
  }
  const base::Result<HeldIdentity::Origin> origin = make_room(place, found->state);
  if (!origin) {
    return tl::unexpected(origin.error());
  }
  const base::Result<SecretBytes> bytes = make_bytes(place, machine);
  if (!bytes) {
    return tl::unexpected(bytes.error());
  }
  if (base::Result<void> stored = store(place.file, *bytes, lock->get()); !stored) {
    return tl::unexpected(stored.error());
  }
  return identity_in(*bytes, *origin);
}

/// The first line of a small file; empty where there is none.
std::string first_line(const char* file) {
  const Descriptor descriptor(::open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, 256> buffer{};
  const ssize_t size = descriptor.open() ? ::read(descriptor.get(), buffer.data(), buffer.size()) : 0;
  const std::string_view text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

IdentityPlace identity_place(const settings::Settings& settings, const settings::Paths& paths) {
  const std::string& file = settings.text("identity_file");
  return file.empty() ? IdentityPlace{paths.state / "identity", true} : IdentityPlace{file, false};
}

std::string machine_name() {
  for (const char* file : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
    std::string id = first_line(file);
    // Images are shipped with an empty file or this word, which the first boot replaces.
    if (!id.empty() && id != "uninitialized") {
      return "machine-id:" + id;
    }
  }
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? "host:" + std::string(name.data()) : "host:";
}

base::Result<HeldIdentity> hold_identity(const IdentityPlace& place, std::string_view machine) {
  if (sodium_init() < 0) {
    return base::fail(base::ErrorCode::system, "libsodium cannot be initialised");
  }
  const Mac mac = mac_of(machine);
  const base::Result<Found> found = look(place, mac);
  if (!found) {
    return tl::unexpected(found.error());
  }
  return found->state == Found::State::whole ? identity_in(found->bytes, HeldIdentity::Origin::loaded)
                                             : make_identity(place, mac);
}

}  // namespace ghoard::agent
