package rpc

import (
	"slices"
	"strings"
)

// methodTable holds every method that the server can offer. A method that is
// not here gets -32601, which clients that probe for one count on.
var methodTable = map[string]method{
	"web3_clientVersion": {light, (*Server).clientVersion},
	"web3_sha3":          {light, (*Server).sha3},
	"net_version":        {light, (*Server).netVersion},
	"net_listening":      {light, (*Server).netListening},
	"net_peerCount":      {light, (*Server).netPeerCount},
	"rpc_modules":        {light, (*Server).rpcModules},
	"txpool_status":      {waits, (*Server).txpoolStatus},

	"eth_chainId":     {light, (*Server).chainID},
	"eth_blockNumber": {light, (*Server).blockNumber},
	"eth_syncing":     {light, (*Server).syncing},
	"eth_accounts":    {light, (*Server).accounts},

	"eth_gasPrice":             {light, (*Server).gasPrice},
	"eth_maxPriorityFeePerGas": {light, (*Server).maxPriorityFee},
	"eth_blobBaseFee":          {light, (*Server).blobBaseFee},
	"eth_feeHistory":           {heavy, (*Server).feeHistory},

	"eth_getBalance":          {light, (*Server).getBalance},
	"eth_getCode":             {light, (*Server).getCode},
	"eth_getStorageAt":        {light, (*Server).getStorageAt},
	"eth_getTransactionCount": {waits, (*Server).getTransactionCount},

	"eth_call":        {heavy, (*Server).ethCall},
	"eth_estimateGas": {heavy, (*Server).estimateGas},

	"eth_sendRawTransaction":      {waits, (*Server).sendRaw},
	"eth_sendRawTransactionSync":  {waits, (*Server).sendRawSync},
	"realtime_sendRawTransaction": {waits, (*Server).sendRawRealtime},

	"eth_getBlockByNumber":                    {light, (*Server).getBlockByNumber},
	"eth_getBlockByHash":                      {light, (*Server).getBlockByHash},
	"eth_getHeaderByNumber":                   {light, (*Server).getHeaderByNumber},
	"eth_getHeaderByHash":                     {light, (*Server).getHeaderByHash},
	"eth_getBlockReceipts":                    {light, (*Server).getBlockReceipts},
	"eth_getBlockTransactionCountByNumber":    {light, (*Server).getTxCountByNumber},
	"eth_getBlockTransactionCountByHash":      {light, (*Server).getTxCountByHash},
	"eth_getUncleCountByBlockNumber":          {light, (*Server).getUncleCountByNumber},
	"eth_getUncleCountByBlockHash":            {light, (*Server).getUncleCountByHash},
	"eth_getUncleByBlockNumberAndIndex":       {light, (*Server).getUncleByNumber},
	"eth_getUncleByBlockHashAndIndex":         {light, (*Server).getUncleByHash},
	"eth_getTransactionByHash":                {waits, (*Server).getTransaction},
	"eth_getRawTransactionByHash":             {waits, (*Server).getRawTransaction},
	"eth_getTransactionReceipt":               {light, (*Server).getReceipt},
	"eth_getTransactionByBlockNumberAndIndex": {light, (*Server).getTransactionByNumber},
	"eth_getTransactionByBlockHashAndIndex":   {light, (*Server).getTransactionByBlockHash},

	"eth_getLogs":                     {heavy, (*Server).getLogs},
	"eth_newFilter":                   {light, (*Server).newLogFilter},
	"eth_newBlockFilter":              {light, (*Server).newBlockFilter},
	"eth_newPendingTransactionFilter": {light, (*Server).newPendingFilter},
	"eth_getFilterChanges":            {heavy, (*Server).getFilterChanges},
	"eth_getFilterLogs":               {heavy, (*Server).getFilterLogs},
	"eth_uninstallFilter":             {light, (*Server).uninstallFilter},
	"eth_subscribe":                   {light, (*Server).subscribe},
	"eth_unsubscribe":                 {light, (*Server).unsubscribe},
}

// moduleOf returns the name space of a method.
func moduleOf(name string) string {
	module, _, _ := strings.Cut(name, "_")
	return module
}

// Modules returns the names of all modules, sorted.
func Modules() []string {
	_, names := selectMethods(nil)
	return names
}

// selectMethods returns the methods of the given modules, of all if none are
// given, and the sorted names of the modules that are served.
func selectMethods(modules []string) (methods map[string]method, served []string) {
	methods = make(map[string]method)
	for name, m := range methodTable {
		if module := moduleOf(name); len(modules) == 0 || slices.Contains(modules, module) {
			methods[name] = m
			served = append(served, module)
		}
	}
	slices.Sort(served)
	return methods, slices.Compact(served)
}
