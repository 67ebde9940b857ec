//===- Reader.cpp - open and check a package ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/Reader.h"

#include "Text.h"
#include "Validate.h"
#include "actnet/Package/Lifetimes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace actnet::pkg {

struct Reader::Impl {
  std::string name;
  std::span<const std::byte> package;
  void *mapping = nullptr;
  size_t mappedBytes = 0;
  std::vector<SectionEntry> entries;
  std::vector<Section> sections;
  Interface interface;
  std::vector<std::unique_ptr<Plan>> plans;

  ~Impl() {
    if (mapping)
      ::munmap(mapping, mappedBytes);
  }

  const Section *find(std::string_view section) const {
    for (const Section &candidate : sections)
      if (candidate.name == section)
        return &candidate;
    return nullptr;
  }

  Status load(ReaderOptions options);
  Status readHeader(Header &header) const;
  Status readTable(const Header &header, ReaderOptions options);
  template <typename Table, typename Native>
  Status readTables(const Section &section, Native &native) const;
  Status checkMemory(const Plan &plan) const;
};

namespace {

template <typename T> T readAt(std::span<const std::byte> bytes, uint64_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

template <typename T> bool checksumHolds(const T &value, size_t checked) {
  auto bytes = std::as_bytes(std::span(&value, 1)).first(checked);
  return checksum(bytes) ==
         readAt<uint64_t>(std::as_bytes(std::span(&value, 1)), checked);
}

bool hasMagic(std::span<const std::byte> bytes, const char (&magic)[8]) {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), magic, 8) == 0;
}

bool hasPrefix(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

/// FlatBuffers' verifier checks the alignment of scalars but not that of a
/// vector's elements, which matters where they have 8 bytes. Every such vector
/// of the schema stands here.
template <typename T> bool isAligned(const flatbuffers::Vector<T> *vector) {
  return !vector || reinterpret_cast<uintptr_t>(vector->Data()) % 8 == 0;
}
bool isAligned(const fb::Interface &interface) {
  if (!isAligned(interface.exprs()))
    return false;
  if (interface.weights())
    for (const fb::Weight *weight : *interface.weights())
      if (!isAligned(weight->shape()))
        return false;
  return true;
}
bool isAligned(const fb::Plan &plan) {
  if (!isAligned(plan.state_offsets()))
    return false;
  if (plan.functions())
    for (const fb::FunctionPlan *function : *plan.functions())
      if (function->memory() && !isAligned(function->memory()->offsets()))
        return false;
  return true;
}

/// The package inside of a file: all of it, or what a footer says.
Expected<std::span<const std::byte>>
findPackage(std::span<const std::byte> file) {
  if (hasMagic(file, packageMagic))
    return file;
  if (file.size() < sizeof(Footer) ||
      !hasMagic(file.last(sizeof(Footer)), footerMagic))
    return invalidArgument("neither a package nor a program with one, or its "
                           "end is missing");
  Footer footer = readAt<Footer>(file, file.size() - sizeof(Footer));
  uint64_t room = file.size() - sizeof(Footer);
  if (!checksumHolds(footer, offsetof(Footer, checksum)) ||
      footer.packageOffset % pageBytes != 0 || footer.packageOffset > room ||
      footer.packageBytes != room - footer.packageOffset)
    return dataLoss("the footer of the program is damaged");
  return file.subspan(footer.packageOffset, footer.packageBytes);
}

} // namespace

Status Reader::Impl::readHeader(Header &header) const {
  if (package.size() < sizeof(Header) || !hasMagic(package, packageMagic))
    return invalidArgument("this is no package");
  header = readAt<Header>(package, 0);
  // Before the checksum: a newer header may be longer.
  if (header.version > schemaVersion)
    return failedPrecondition(
        "the package has schema " + std::to_string(header.version) +
        ", and this program reads up to " + std::to_string(schemaVersion) +
        "; use a newer actnet");
  if (!checksumHolds(header, offsetof(Header, headerChecksum)) ||
      header.version == 0)
    return dataLoss("the header is damaged");
  if (header.packageBytes > package.size())
    return dataLoss(
        "the package is cut off: " + std::to_string(package.size()) +
        " bytes of " + std::to_string(header.packageBytes));
  return okStatus();
}

Status Reader::Impl::readTable(const Header &header, ReaderOptions options) {
  uint64_t tableBytes = uint64_t(header.sections) * sizeof(SectionEntry);
  if (header.tableOffset > header.packageBytes ||
      tableBytes > header.packageBytes - header.tableOffset)
    return dataLoss("the table of sections lies outside of the package");
  auto table = package.subspan(header.tableOffset, tableBytes);
  if (checksum(table) != header.tableChecksum)
    return dataLoss("the table of sections is damaged");
  for (uint32_t i = 0; i < header.sections; ++i) {
    SectionEntry entry =
        readAt<SectionEntry>(table, uint64_t(i) * sizeof(SectionEntry));
    if (entry.name[0] == 0 || entry.name[sizeof(entry.name) - 1] != 0)
      return dataLoss("section " + std::to_string(i) + " has no name");
    std::string section = entry.name;
    if (!isOneLine(section))
      return dataLoss("section " + std::to_string(i) +
                      " has a control character in its name");
    if (entry.offset % pageBytes != 0 || entry.offset > header.tableOffset ||
        entry.bytes > header.tableOffset - entry.offset)
      return dataLoss("section '" + section + "' lies outside of the package");
    if (find(section))
      return dataLoss("section '" + section + "' exists twice");
    auto bytes = package.subspan(entry.offset, entry.bytes);
    if (options.checksums && section != weightsSection &&
        checksum(bytes) != entry.checksum)
      return dataLoss("section '" + section + "' is damaged");
    entries.push_back(entry);
    sections.push_back({std::move(section), entry.offset, bytes});
  }
  return okStatus();
}

template <typename Table, typename Native>
Status Reader::Impl::readTables(const Section &section, Native &native) const {
  auto *data = reinterpret_cast<const uint8_t *>(section.bytes.data());
  // FlatBuffers has 32-bit offsets. Tables are at least 8 bytes with the offset
  // that leads to them, so a greater number means shared ones, which would grow
  // when they are unpacked. Each nested block takes three levels.
  bool fits = section.bytes.size() >= 8 &&
              section.bytes.size() < FLATBUFFERS_MAX_BUFFER_SIZE;
  if (fits) {
    flatbuffers::Verifier verifier(
        data, section.bytes.size(), 16 + 3 * maxNesting,
        flatbuffers::uoffset_t(section.bytes.size() / 8));
    fits = verifier.VerifyBuffer<Table>(nullptr) &&
           isAligned(*flatbuffers::GetRoot<Table>(data));
  }
  if (!fits)
    return dataLoss("section '" + section.name + "' is malformed");
  flatbuffers::GetRoot<Table>(data)->UnPackTo(&native);
  makeOneLine(native);
  return okStatus();
}

Status Reader::Impl::checkMemory(const Plan &plan) const {
  std::vector<Range> exprs = exprRanges(interface.exprs, dimRanges(interface));
  for (const auto &function : plan.functions) {
    if (!function->memory)
      continue;
    if (Status status =
            verifyMemory(interface, plan, *function, *function->memory, exprs,
                         plan.state_offsets, plan.state_bytes);
        !status) {
      std::string where =
          "function '" + interface.functions[function->function]->name + "'";
      // What the verifier finds is our own mistake at compile time, but here it
      // is a package that cannot be trusted.
      return dataLoss(where + ": " + std::string(status.message()));
    }
  }
  return okStatus();
}

Status Reader::Impl::load(ReaderOptions options) {
  Header header;
  ACTNET_RETURN_IF_ERROR(readHeader(header));
  ACTNET_RETURN_IF_ERROR(readTable(header, options));
  const Section *section = find(interfaceSection);
  if (!section)
    return dataLoss("section 'interface' is missing");
  ACTNET_RETURN_IF_ERROR(readTables<fb::Interface>(*section, interface));
  const Section *weights = find(weightsSection);
  ACTNET_RETURN_IF_ERROR(
      validateInterface(interface, weights ? weights->bytes.size() : 0));
  for (const Section &candidate : sections) {
    if (!hasPrefix(candidate.name, planPrefix))
      continue;
    auto plan = std::make_unique<Plan>();
    ACTNET_RETURN_IF_ERROR(readTables<fb::Plan>(candidate, *plan));
    if (std::string(planPrefix) + plan->target != candidate.name)
      return dataLoss("section '" + candidate.name +
                      "' holds the plan of another target");
    Status status = validatePlan(interface, *plan, [&](std::string_view s) {
      return find(s) != nullptr;
    });
    if (status)
      status = validateCode(*plan,
                            [&](std::string_view s) { return find(s)->bytes; });
    if (status)
      status = checkMemory(*plan);
    if (!status)
      return std::move(status.addContext("section '" + candidate.name + "'"));
    plans.push_back(std::move(plan));
  }
  return okStatus();
}

Reader::Reader(std::shared_ptr<const Impl> impl) : impl(std::move(impl)) {}

Expected<Reader> Reader::openImpl(std::shared_ptr<Impl> impl,
                                  ReaderOptions options) {
  if (Status status = impl->load(options); !status)
    return std::move(status.addContext("'" + impl->name + "'"));
  return Reader(std::move(impl));
}

Expected<Reader> Reader::openFile(const std::string &path,
                                  ReaderOptions options) {
  auto impl = std::make_shared<Impl>();
  impl->name = path;
  auto failed = [&](int error) -> Status {
    return {error == ENOENT ? StatusCode::notFound
                            : StatusCode::invalidArgument,
            "cannot read '" + path + "': " + std::strerror(error)};
  };
  // A pipe would wait for its other end; that it is no package is seen below.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return failed(errno);
  struct stat info;
  int error = ::fstat(fd, &info) != 0 ? errno : 0;
  if (error == 0 && S_ISDIR(info.st_mode))
    error = EISDIR;
  if (error == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    ::close(fd);
    return invalidArgument("'" + path + "': expected a regular file");
  }
  if (error == 0 && info.st_size > 0) {
    impl->mappedBytes = size_t(info.st_size);
    void *mapping =
        ::mmap(nullptr, impl->mappedBytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping == MAP_FAILED)
      error = errno;
    else
      impl->mapping = mapping;
  }
  ::close(fd);
  if (error != 0)
    return failed(error);
  if (!impl->mapping)
    return invalidArgument("'" + path + "': this is no package");
  Expected<std::span<const std::byte>> package = findPackage(
      {static_cast<const std::byte *>(impl->mapping), impl->mappedBytes});
  if (!package)
    return package.takeStatus().addContext("'" + path + "'");
  impl->package = *package;
  return openImpl(std::move(impl), options);
}

Expected<Reader> Reader::openSelf() { return openFile("/proc/self/exe"); }

Expected<Reader> Reader::openMemory(std::span<const std::byte> bytes,
                                    const std::string &name,
                                    ReaderOptions options) {
  auto impl = std::make_shared<Impl>();
  impl->name = name;
  impl->package = bytes;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % weightAlignment != 0) {
    // Weights would not be aligned in place. An anonymous mapping is.
    impl->mappedBytes = std::max<size_t>(bytes.size(), 1);
    void *mapping = ::mmap(nullptr, impl->mappedBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
      return resourceExhausted("'" + name + "': no memory for " +
                               std::to_string(bytes.size()) + " bytes");
    impl->mapping = mapping;
    std::memcpy(mapping, bytes.data(), bytes.size());
    impl->package = {static_cast<const std::byte *>(mapping), bytes.size()};
  }
  return openImpl(std::move(impl), options);
}

const std::string &Reader::name() const { return impl->name; }
const Interface &Reader::interface() const { return impl->interface; }
std::span<const std::unique_ptr<Plan>> Reader::plans() const {
  return impl->plans;
}

const Plan *Reader::findPlan(std::string_view target) const {
  for (const auto &plan : impl->plans)
    if (plan->target == target)
      return plan.get();
  return nullptr;
}

const FunctionPlan *Reader::findFunction(const Plan &plan, uint32_t function) {
  for (const auto &candidate : plan.functions)
    if (candidate->function == function)
      return candidate.get();
  return nullptr;
}

std::span<const Section> Reader::sections() const { return impl->sections; }
const Section *Reader::findSection(std::string_view name) const {
  return impl->find(name);
}

std::span<const std::byte> Reader::weights() const {
  const Section *section = impl->find(weightsSection);
  return section ? section->bytes : std::span<const std::byte>();
}

std::span<const std::byte> Reader::weight(uint32_t id) const {
  const Weight &weight = *impl->interface.weights[id];
  return weights().subspan(weight.offset, weight.bytes);
}

std::span<const std::byte> Reader::image(const Image &image) const {
  const Section *section = impl->find(image.section);
  return section ? section->bytes : std::span<const std::byte>();
}

Status Reader::verifyWeights() const {
  for (size_t i = 0; i < impl->sections.size(); ++i)
    if (impl->sections[i].name == weightsSection &&
        checksum(impl->sections[i].bytes) != impl->entries[i].checksum)
      return dataLoss("'" + impl->name + "': the weights are damaged");
  // What no checksum covers was written as zeros: behind the header, between
  // sections, and behind the table, which is the last.
  std::vector<std::pair<uint64_t, uint64_t>> parts{{0, sizeof(Header)}};
  for (const SectionEntry &entry : impl->entries)
    parts.push_back({entry.offset, entry.offset + entry.bytes});
  auto header = readAt<Header>(impl->package, 0);
  parts.push_back(
      {header.tableOffset,
       header.tableOffset + uint64_t(header.sections) * sizeof(SectionEntry)});
  parts.push_back({impl->package.size(), impl->package.size()});
  std::sort(parts.begin(), parts.end());
  uint64_t end = 0;
  for (auto [from, to] : parts) {
    for (; end < from; ++end)
      if (impl->package[end] != std::byte{0})
        return dataLoss("'" + impl->name + "': byte " + std::to_string(end) +
                        " of the package is damaged: it lies between sections "
                        "and is not zero");
    end = std::max(end, to);
  }
  return okStatus();
}

} // namespace actnet::pkg
