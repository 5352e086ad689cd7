SELECT path, directory, key, value FROM extended_attributes WHERE directory = '/srv' ORDER BY path, key;
