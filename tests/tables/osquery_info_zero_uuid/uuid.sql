SELECT uuid FROM osquery_info;
