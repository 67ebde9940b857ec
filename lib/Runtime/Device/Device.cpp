//===- Device.cpp - anchors of the device interface -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Device/Device.h"

namespace actnet::rt {

Executable::~Executable() = default;
Event::~Event() = default;
PreparedSegment::~PreparedSegment() = default;
CompletionListener::~CompletionListener() = default;
DeviceStream::~DeviceStream() = default;
Device::~Device() = default;

} // namespace actnet::rt
