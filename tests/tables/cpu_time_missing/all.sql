SELECT * FROM cpu_time;
