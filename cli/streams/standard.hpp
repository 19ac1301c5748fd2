#pragma once

namespace ghoard::streams {

/// The first thing a program does: whichever of descriptors 0 to 2 its caller has closed is taken, so that no file or
/// socket opened later gets that number and what is meant for standard output. Using such a stream goes on failing
/// (EBADF), as it does where it is left closed.
void take_closed_descriptors();

}  // namespace ghoard::streams
