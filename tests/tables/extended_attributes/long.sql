SELECT length(value) AS length, base64 FROM extended_attributes WHERE path = '/srv/sub/c';
