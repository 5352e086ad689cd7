SELECT path, blocks, blocks_size, inodes FROM mounts WHERE path = '/';
