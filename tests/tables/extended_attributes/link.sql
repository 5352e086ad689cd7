SELECT path, key FROM extended_attributes WHERE path IN ('/srv/link', '/srv/dangling', '/srv/out');
