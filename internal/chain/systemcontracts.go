package chain

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

// systemContract is a contract that the protocol itself calls.
type systemContract struct {
	eip      int
	address  common.Address
	code     []byte
	prague   bool // called from Prague on, else from Cancun on
	required bool // no EVM block can be closed without it
}

var systemContracts = []systemContract{
	{4788, params.BeaconRootsAddress, params.BeaconRootsCode, false, false},
	{2935, params.HistoryStorageAddress, params.HistoryStorageCode, true, false},
	{7002, params.WithdrawalQueueAddress, params.WithdrawalQueueCode, true, true},
	{7251, params.ConsolidationQueueAddress, params.ConsolidationQueueCode, true, true},
}

// missingSystemContracts are those that the chain calls now or later, and that
// have no code in the alloc.
func (g *Genesis) missingSystemContracts() (missing []systemContract) {
	for _, contract := range systemContracts {
		called := !contract.prague || g.Config.PragueTime != nil
		if called && len(g.Alloc[contract.address].Code) == 0 {
			missing = append(missing, contract)
		}
	}
	return missing
}

// CheckSystemContracts reports why EVM blocks of the chain cannot be closed:
// all contracts that are required and missing.
func (g *Genesis) CheckSystemContracts() error {
	var missing []string
	for _, contract := range g.missingSystemContracts() {
		if contract.required {
			missing = append(missing, fmt.Sprintf("%s (EIP-%d)", contract.address, contract.eip))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("cannot use genesis: alloc: no code at %s; these system contracts must stand there from Prague on", strings.Join(missing, ", "))
}

// AddSystemContracts puts the system contracts that are missing into the alloc,
// and returns their addresses. What else the accounts have stays.
func (g *Genesis) AddSystemContracts() (added []common.Address) {
	if g.Alloc == nil {
		g.Alloc = types.GenesisAlloc{}
	}
	for _, contract := range g.missingSystemContracts() {
		account := g.Alloc[contract.address]
		account.Code, account.Nonce = contract.code, max(account.Nonce, 1)
		if account.Balance == nil {
			account.Balance = new(big.Int)
		}
		g.Alloc[contract.address] = account
		added = append(added, contract.address)
	}
	return added
}
