#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sqlite3.h>
#include <string>

namespace ghoard::testing {

/// A layer between SQLite and the disk, the default for every database opened while it lives. Fails the n-th operation,
/// and remembers of every file what was last synced: all that a power failure is sure to leave. One at a time.
class ShimVfs {
 public:
  ShimVfs() {
    m_vfs = *s_real;
    m_vfs.zName = "ghoard-shim";
    m_vfs.szOsFile = static_cast<int>(sizeof(File)) + s_real->szOsFile;
    m_vfs.xOpen = &ShimVfs::open;
    m_vfs.xDelete = &ShimVfs::remove;
    s_shim = this;
    sqlite3_vfs_register(&m_vfs, 1);
  }
  ~ShimVfs() {
    sqlite3_vfs_unregister(&m_vfs);
    sqlite3_vfs_register(s_real, 1);
    s_shim = nullptr;
  }
  ShimVfs(const ShimVfs&) = delete;
  ShimVfs& operator=(const ShimVfs&) = delete;

  /// Operation n (from 1: opens, writes, truncations, syncs, deletions) and, if so wished, every later one fails with
  /// `code`, an SQLite result.
  void fail_operation(std::uint64_t n, int code, bool from_then_on) {
    m_operations = 0;
    m_fail_at = n;
    m_code = code;
    m_from_then_on = from_then_on;
    m_failed = false;
  }
  void fail_nothing() { fail_operation(0, SQLITE_OK, false); }
  [[nodiscard]] bool failed() const { return m_failed; }
  [[nodiscard]] std::uint64_t syncs() const { return m_syncs; }

  /// Writes what a power failure would leave of the files in `from` to `to`.
  void write_durable(const std::filesystem::path& from, const std::filesystem::path& to) const {
    std::filesystem::create_directories(to);
    for (const auto& [path, bytes] : m_durable) {
      const std::filesystem::path file = path;
      // What was removed or replaced since is not there any more: the product syncs its directory for that.
      if (file.parent_path() == from && std::filesystem::exists(file)) {
        std::ofstream(to / file.filename(), std::ios::binary) << bytes;
      }
    }
  }

 private:
  struct File {
    sqlite3_file base;
    ShimVfs* shim;
    std::string* path;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  /// The result that an operation has to fail with; SQLITE_OK: let it pass.
  int next() {
    ++m_operations;
    if (m_fail_at != 0 && (m_operations == m_fail_at || (m_from_then_on && m_operations > m_fail_at))) {
      m_failed = true;
      return m_code;
    }
    return SQLITE_OK;
  }

  static std::string contents(const std::filesystem::path& file) {
    std::string bytes(std::filesystem::file_size(file), '\0');
    std::ifstream(file, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
  }

  static File& self(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

  static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    File& one = self(file);
    one.base.pMethods = nullptr;
    if (s_shim->next() != SQLITE_OK) {
      return SQLITE_CANTOPEN;
    }
    const int result = s_real->xOpen(s_real, name, one.real(), flags, out_flags);
    if (result == SQLITE_OK) {
      one.shim = s_shim;
      one.path = new std::string(name != nullptr ? name : "");
      one.base.pMethods = &s_methods;
    }
    return result;
  }
  static int remove(sqlite3_vfs*, const char* name, int sync_directory) {
    if (const int code = s_shim->next(); code != SQLITE_OK) {
      return SQLITE_IOERR_DELETE;
    }
    s_shim->m_durable.erase(name);
    return s_real->xDelete(s_real, name, sync_directory);
  }
  static int close(sqlite3_file* file) {
    delete self(file).path;
    return self(file).real()->pMethods->xClose(self(file).real());
  }
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    const int code = self(file).shim->next();
    return code != SQLITE_OK ? code : self(file).real()->pMethods->xWrite(self(file).real(), bytes, size, offset);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    const int code = self(file).shim->next();
    return code != SQLITE_OK ? code : self(file).real()->pMethods->xTruncate(self(file).real(), size);
  }
  static int sync(sqlite3_file* file, int) {
    const int code = self(file).shim->next();
    if (code != SQLITE_OK) {
      return code == SQLITE_FULL ? code : SQLITE_IOERR_FSYNC;
    }
    // No real sync: the snapshot is what this test calls durable, and it makes the test fast.
    self(file).shim->m_durable[*self(file).path] = contents(*self(file).path);
    ++self(file).shim->m_syncs;
    return SQLITE_OK;
  }
  static int read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
    return self(file).real()->pMethods->xRead(self(file).real(), into, size, offset);
  }
  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return self(file).real()->pMethods->xFileSize(self(file).real(), size);
  }
  static int lock(sqlite3_file* file, int level) {
    return self(file).real()->pMethods->xLock(self(file).real(), level);
  }
  static int unlock(sqlite3_file* file, int level) {
    return self(file).real()->pMethods->xUnlock(self(file).real(), level);
  }
  static int check_reserved(sqlite3_file* file, int* reserved) {
    return self(file).real()->pMethods->xCheckReservedLock(self(file).real(), reserved);
  }
  static int control(sqlite3_file* file, int operation, void* argument) {
    return self(file).real()->pMethods->xFileControl(self(file).real(), operation, argument);
  }
  static int sector_size(sqlite3_file* file) { return self(file).real()->pMethods->xSectorSize(self(file).real()); }
  static int characteristics(sqlite3_file* file) {
    return self(file).real()->pMethods->xDeviceCharacteristics(self(file).real());
  }
  static int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** at) {
    return self(file).real()->pMethods->xShmMap(self(file).real(), page, size, extend, at);
  }
  static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
    return self(file).real()->pMethods->xShmLock(self(file).real(), offset, count, flags);
  }
  static void shm_barrier(sqlite3_file* file) { self(file).real()->pMethods->xShmBarrier(self(file).real()); }
  static int shm_unmap(sqlite3_file* file, int remove_file) {
    return self(file).real()->pMethods->xShmUnmap(self(file).real(), remove_file);
  }

  static inline const sqlite3_io_methods s_methods{
      2,          &close,          &read,    &write,       &truncate,        &sync,    &file_size, &lock,
      &unlock,    &check_reserved, &control, &sector_size, &characteristics, &shm_map, &shm_lock,  &shm_barrier,
      &shm_unmap, nullptr,         nullptr};
  static inline sqlite3_vfs* s_real = sqlite3_vfs_find(nullptr);
  static inline ShimVfs* s_shim = nullptr;

  sqlite3_vfs m_vfs{};
  std::uint64_t m_operations = 0;
  std::uint64_t m_fail_at = 0;
  std::uint64_t m_syncs = 0;
  int m_code = SQLITE_OK;
  bool m_from_then_on = false;
  bool m_failed = false;
  std::map<std::string, std::string> m_durable;
};

}  // namespace ghoard::testing
