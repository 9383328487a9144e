package io.github.ringcast.shm;

/** What statx tells of a file: size and reserved are in bytes. Immutable. */
final class FileStatus {
  final int mode;
  final int uid;
  final int gid;
  final long inode;
  final long size;
  final long reserved;
  final long device;

  FileStatus(int mode, int uid, int gid, long inode, long size, long reserved, long device) {
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.inode = inode;
    this.size = size;
    this.reserved = reserved;
    this.device = device;
  }

  boolean regular() {
    return (mode & 0xf000) == 0x8000;
  }

  boolean directory() {
    return (mode & 0xf000) == 0x4000;
  }

  boolean sameFile(FileStatus other) {
    return other != null && inode == other.inode && device == other.device;
  }
}
