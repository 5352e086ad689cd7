SELECT * FROM extended_attributes WHERE path = '/srv/a' ORDER BY key;
