SELECT * FROM dns_resolvers;
