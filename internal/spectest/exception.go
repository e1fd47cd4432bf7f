package spectest

import (
	"fmt"
	"slices"
	"strings"
)

// exceptions gives for the names that tests use the words that our reason must
// contain. A transaction that its type cannot express is refused when it is
// decoded. A name that is not here is met by any refusal.
var exceptions = map[string][]string{
	"TransactionException.INSUFFICIENT_ACCOUNT_FUNDS":                {"insufficient funds"},
	"TransactionException.INTRINSIC_GAS_TOO_LOW":                     {"intrinsic gas too low", "floor data gas"},
	"TransactionException.INTRINSIC_GAS_BELOW_FLOOR_GAS_COST":        {"floor data gas", "intrinsic gas too low"},
	"TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS":              {"max fee per gas less than block base fee"},
	"TransactionException.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS":     {"max priority fee per gas higher than max fee per gas"},
	"TransactionException.INITCODE_SIZE_EXCEEDED":                    {"max initcode size exceeded"},
	"TransactionException.GAS_LIMIT_EXCEEDS_MAXIMUM":                 {"transaction gas limit too high"},
	"TransactionException.GAS_ALLOWANCE_EXCEEDED":                    {"gas limit reached"},
	"TransactionException.SENDER_NOT_EOA":                            {"sender not an eoa"},
	"TransactionException.NONCE_IS_MAX":                              {"nonce has max value"},
	"TransactionException.NONCE_MISMATCH_TOO_LOW":                    {"nonce too low"},
	"TransactionException.NONCE_MISMATCH_TOO_HIGH":                   {"nonce too high"},
	"TransactionException.TYPE_3_TX_ZERO_BLOBS":                      {"missing blob hashes"},
	"TransactionException.TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH":     {"invalid hash version"},
	"TransactionException.TYPE_3_TX_CONTRACT_CREATION":               {"rlp:"},
	"TransactionException.TYPE_3_TX_BLOB_COUNT_EXCEEDED":             {"too many blobs", "blob gas limit reached", "exceeds maximum allowance"},
	"TransactionException.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED": {"blob gas limit reached", "too many blobs", "exceeds maximum allowance"},
	"TransactionException.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS":         {"max fee per blob gas less than block blob gas fee"},
	"TransactionException.TYPE_4_TX_CONTRACT_CREATION":               {"rlp:"},
	"TransactionException.TYPE_4_EMPTY_AUTHORIZATION_LIST":           {"empty auth list"},

	"BlockException.INCORRECT_EXCESS_BLOB_GAS":    {"excessBlobGas"},
	"BlockException.INVALID_REQUESTS":             {"invalid requests hash"},
	"BlockException.INVALID_DEPOSIT_EVENT_LAYOUT": {"cannot parse deposit"},
	"BlockException.INVALID_WITHDRAWALS_ROOT":     {"withdrawals root"},
	"BlockException.INVALID_BASEFEE_PER_GAS":      {"invalid baseFee"},
	"BlockException.SYSTEM_CONTRACT_CALL_FAILED":  {"system call"},
	"BlockException.SYSTEM_CONTRACT_EMPTY":        {"empty system contract"},
	"BlockException.RLP_STRUCTURES_ENCODING":      {"rlp:"},
}

// checkException compares why something was refused, nil if it was not, with
// the exceptions that a test expects: names of which one holds, or none.
func checkException(want string, got error) error {
	switch {
	case want == "" && got == nil:
		return nil
	case want == "":
		return fmt.Errorf("was refused: %w", got)
	case got == nil:
		return fmt.Errorf("was accepted; want %s", want)
	}
	if slices.ContainsFunc(strings.Split(want, "|"), func(name string) bool { return meets(name, got) }) {
		return nil
	}
	return fmt.Errorf("was refused for \"%w\"; want %s", got, want)
}

func meets(name string, got error) bool {
	words, known := exceptions[name]
	return !known || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(got.Error(), w) })
}
