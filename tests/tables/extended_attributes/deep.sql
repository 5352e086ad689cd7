SELECT path, key FROM extended_attributes WHERE path LIKE '/srv/%%' ORDER BY path, key;
