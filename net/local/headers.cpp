#include "net/local/agent_record.hpp"
#include "net/local/client.hpp"
