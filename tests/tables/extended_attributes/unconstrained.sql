SELECT * FROM extended_attributes;
