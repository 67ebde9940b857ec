//===- Writer.cpp - write a package ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/Writer.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace actnet::pkg {

namespace {

std::string quoted(const std::string &path) { return "'" + path + "'"; }

StatusCode codeOf(int error) {
  switch (error) {
  case ENOENT:
  case ENOTDIR:
    return StatusCode::notFound;
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
  case EMFILE:
  case ENOMEM:
    return StatusCode::resourceExhausted;
  default:
    return StatusCode::invalidArgument;
  }
}

Status systemError(const std::string &what, int error) {
  return {codeOf(error), what + ": " + std::strerror(error)};
}

Writer::TemporaryWatch temporaryWatch = nullptr;

} // namespace

struct Writer::Impl {
  std::string path;      // final name; empty: in memory
  std::string temporary; // name while unfinished; empty once renamed
  int fd = -1;
  mode_t mode = 0666;
  uint64_t base = 0;             // where the package starts in the file
  uint64_t position = 0;         // from the package's start
  std::vector<std::byte> buffer; // in memory: everything
  std::vector<SectionEntry> table;
  Checksum sum;
  bool open = false;
  bool finished = false;
  Status failure;

  ~Impl() {
    if (fd >= 0)
      ::close(fd);
    if (temporary.empty())
      return;
    ::unlink(temporary.c_str());
    watch(false);
  }

  Status fail(Status status) {
    failure = status;
    return status;
  }
  Status failWrite(int error) {
    return fail(systemError("cannot write " + quoted(path), error));
  }

  Status put(const std::byte *data, size_t bytes, uint64_t at) {
    while (bytes > 0) {
      ssize_t done = ::pwrite(fd, data, std::min<size_t>(bytes, 1u << 30),
                              off_t(base + at));
      if (done < 0 && errno == EINTR)
        continue;
      if (done <= 0)
        return failWrite(done < 0 ? errno : ENOSPC);
      data += done;
      at += uint64_t(done);
      bytes -= size_t(done);
    }
    return okStatus();
  }

  Status flush() {
    if (fd < 0 || buffer.empty())
      return okStatus();
    Status status = put(buffer.data(), buffer.size(), position - buffer.size());
    buffer.clear();
    return status;
  }

  Status append(std::span<const std::byte> bytes) {
    constexpr size_t chunk = 1 << 20;
    if (fd >= 0 && buffer.size() + bytes.size() > chunk)
      ACTNET_RETURN_IF_ERROR(flush());
    if (fd >= 0 && bytes.size() > chunk) {
      ACTNET_RETURN_IF_ERROR(put(bytes.data(), bytes.size(), position));
    } else {
      buffer.insert(buffer.end(), bytes.begin(), bytes.end());
    }
    position += bytes.size();
    return okStatus();
  }

  Status pad(uint64_t alignment) {
    static constexpr std::byte zeros[pageBytes] = {};
    uint64_t missing = (alignment - position % alignment) % alignment;
    return append({zeros, size_t(missing)});
  }

  /// Creates the temporary file beside `path`.
  Status create() {
    struct stat info;
    if (::stat(path.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode))
        return fail(invalidArgument("cannot write " + quoted(path) +
                                    ": it is a directory"));
      if (!S_ISREG(info.st_mode))
        return fail(invalidArgument("cannot write " + quoted(path) +
                                    ": it is not a regular file"));
      // Replace what a symbolic link points to, not the link.
      if (char *real = ::realpath(path.c_str(), nullptr)) {
        temporary = real;
        std::free(real);
      }
    }
    if (temporary.empty())
      temporary = path;
    finalPath = temporary;
    temporary += ".XXXXXX";
    fd = ::mkostemp(temporary.data(), O_CLOEXEC);
    if (fd < 0) {
      int error = errno;
      temporary.clear();
      return failWrite(error);
    }
    watch(true);
    return okStatus();
  }
  /// Tells whoever watches that the temporary file is there, or is no more.
  void watch(bool exists) const {
    if (temporaryWatch)
      temporaryWatch(temporary.c_str(), exists);
  }
  std::string finalPath; // `path` behind symbolic links

  Status copyRunner(const std::string &runner) {
    int in = ::open(runner.c_str(), O_RDONLY | O_CLOEXEC);
    if (in < 0)
      return fail(systemError("cannot read runner " + quoted(runner), errno));
    std::vector<std::byte> chunk(1 << 20);
    Status status;
    while (status) {
      ssize_t got = ::read(in, chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        status =
            fail(systemError("cannot read runner " + quoted(runner), errno));
      if (got <= 0)
        break;
      status = append({chunk.data(), size_t(got)});
    }
    ::close(in);
    if (status)
      status = pad(pageBytes);
    if (status)
      status = flush();
    if (!status)
      return status;
    base = position;
    position = 0;
    return okStatus();
  }
};

Writer::Writer(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Writer::Writer(Writer &&) noexcept = default;
Writer &Writer::operator=(Writer &&) noexcept = default;
Writer::~Writer() = default;

void Writer::watchTemporaries(TemporaryWatch watch) { temporaryWatch = watch; }

namespace {
/// Page 0; the header is filled in at the end.
constexpr std::byte zeroPage[pageBytes] = {};
} // namespace

Expected<Writer> Writer::toFile(const std::string &path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  ACTNET_RETURN_IF_ERROR(impl->create());
  ACTNET_RETURN_IF_ERROR(impl->append(zeroPage));
  return Writer(std::move(impl));
}

Expected<Writer> Writer::toProgram(const std::string &path,
                                   const std::string &runner) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->mode = 0777;
  ACTNET_RETURN_IF_ERROR(impl->create());
  ACTNET_RETURN_IF_ERROR(impl->copyRunner(runner));
  ACTNET_RETURN_IF_ERROR(impl->append(zeroPage));
  return Writer(std::move(impl));
}

Writer Writer::toMemory() {
  auto impl = std::make_unique<Impl>();
  impl->append(zeroPage).ignore();
  return Writer(std::move(impl));
}

Status Writer::beginSection(std::string_view name) {
  if (!impl->failure)
    return impl->failure;
  if (impl->open || impl->finished)
    return impl->fail(failedPrecondition(
        "a section begins while another is open or the package is finished"));
  SectionEntry entry = {};
  if (name.empty() || name.size() >= sizeof(entry.name))
    return impl->fail(invalidArgument("section name '" + std::string(name) +
                                      "' is not 1 to 31 bytes long"));
  std::memcpy(entry.name, name.data(), name.size());
  for (const SectionEntry &other : impl->table)
    if (name == other.name)
      return impl->fail(invalidArgument("section '" + std::string(name) +
                                        "' is written twice"));
  ACTNET_RETURN_IF_ERROR(impl->pad(pageBytes));
  entry.offset = impl->position;
  impl->table.push_back(entry);
  impl->sum = Checksum();
  impl->open = true;
  return okStatus();
}

Status Writer::write(std::span<const std::byte> bytes) {
  if (!impl->failure)
    return impl->failure;
  if (!impl->open)
    return impl->fail(failedPrecondition("no section is open"));
  impl->sum.update(bytes);
  return impl->append(bytes);
}

Status Writer::write(const void *data, size_t bytes) {
  return write({static_cast<const std::byte *>(data), bytes});
}

Expected<uint64_t> Writer::align(uint64_t alignment) {
  if (!impl->failure)
    return impl->failure;
  if (!impl->open || alignment == 0 || alignment > pageBytes ||
      pageBytes % alignment != 0)
    return impl->fail(failedPrecondition(
        "align needs an open section and a power of two up to 4096"));
  uint64_t missing = (alignment - impl->position % alignment) % alignment;
  ACTNET_RETURN_IF_ERROR(write({zeroPage, size_t(missing)}));
  return impl->position - impl->table.back().offset;
}

Status Writer::endSection() {
  if (!impl->failure)
    return impl->failure;
  if (!impl->open)
    return impl->fail(failedPrecondition("no section is open"));
  SectionEntry &entry = impl->table.back();
  entry.bytes = impl->position - entry.offset;
  entry.checksum = impl->sum.finish();
  impl->open = false;
  return okStatus();
}

Status Writer::addSection(std::string_view name,
                          std::span<const std::byte> bytes) {
  ACTNET_RETURN_IF_ERROR(beginSection(name));
  ACTNET_RETURN_IF_ERROR(write(bytes));
  return endSection();
}

Status Writer::addInterface(Interface &interface) {
  flatbuffers::FlatBufferBuilder builder(1 << 16);
  // The version is the writer's to state, whoever filled in the rest.
  interface.schema_version = schemaVersion;
  builder.Finish(fb::Interface::Pack(builder, &interface));
  return addSection(
      interfaceSection,
      std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())));
}

Status Writer::addPlan(const Plan &plan) {
  flatbuffers::FlatBufferBuilder builder(1 << 16);
  builder.Finish(fb::Plan::Pack(builder, &plan));
  return addSection(
      std::string(planPrefix) + plan.target,
      std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())));
}

Status Writer::finish() {
  if (!impl->failure)
    return impl->failure;
  if (impl->open || impl->finished)
    return impl->fail(failedPrecondition(
        "a package is finished once, and with no section open"));
  ACTNET_RETURN_IF_ERROR(impl->pad(pageBytes));
  Header header = {};
  std::memcpy(header.magic, packageMagic, sizeof(header.magic));
  header.version = schemaVersion;
  header.sections = uint32_t(impl->table.size());
  header.tableOffset = impl->position;
  auto table = std::as_bytes(std::span(impl->table));
  header.tableChecksum = checksum(table);
  ACTNET_RETURN_IF_ERROR(impl->append(table));
  header.packageBytes = impl->position;
  auto headerBytes = std::as_bytes(std::span(&header, 1));
  header.headerChecksum =
      checksum(headerBytes.first(offsetof(Header, headerChecksum)));

  if (impl->fd < 0) {
    std::memcpy(impl->buffer.data(), &header, sizeof(header));
    impl->finished = true;
    return okStatus();
  }
  if (impl->mode == 0777) {
    Footer footer = {};
    std::memcpy(footer.magic, footerMagic, sizeof(footer.magic));
    footer.packageOffset = impl->base;
    footer.packageBytes = header.packageBytes;
    auto footerBytes = std::as_bytes(std::span(&footer, 1));
    footer.checksum = checksum(footerBytes.first(offsetof(Footer, checksum)));
    ACTNET_RETURN_IF_ERROR(impl->append(footerBytes));
  }
  ACTNET_RETURN_IF_ERROR(impl->flush());
  ACTNET_RETURN_IF_ERROR(impl->put(headerBytes.data(), headerBytes.size(), 0));
  // mkostemp made the file private; it gets the rights any new file would.
  mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(impl->fd, impl->mode & ~mask) != 0)
    return impl->failWrite(errno);
  // Network and quota errors may show only here.
  if (::close(std::exchange(impl->fd, -1)) != 0)
    return impl->failWrite(errno);
  if (::rename(impl->temporary.c_str(), impl->finalPath.c_str()) != 0)
    return impl->failWrite(errno);
  impl->watch(false);
  impl->temporary.clear();
  impl->finished = true;
  return okStatus();
}

std::vector<std::byte> Writer::takeBytes() {
  return impl->finished ? std::move(impl->buffer) : std::vector<std::byte>();
}

} // namespace actnet::pkg
