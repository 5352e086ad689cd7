SELECT interface, ipackets, opackets, ibytes, obytes, ierrors, oerrors, idrops, odrops, collisions FROM interface_details WHERE interface NOT IN ('d0', 'd1');
SELECT interface FROM interface_details WHERE mac = '02:00:00:00:00:01' COLLATE NOCASE;
