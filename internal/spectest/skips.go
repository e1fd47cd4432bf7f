package spectest

import "strings"

// skips are the cases that are not run: those whose test and variant contain
// all words of a row.
var skips = []struct {
	words  []string
	reason string
}{
	{[]string{"::test_init_collision_", "-non-empty-balance-correct-initcode]"}, createOnStorage},
	{[]string{"::test_init_collision_", "-non-empty-balance-revert-initcode]"}, createOnStorage},
	{[]string{"::create2collisionStorageParis["}, createOnStorage},
	{[]string{"::RevertInCreateInInitCreate2Paris["}, createOnStorage},
	{[]string{"::dynamicAccountOverwriteEmpty_Paris["}, createOnStorage},
}

const createOnStorage = "creates a contract where there is storage but neither code nor nonce (EIP-7610); no account of a chain can be so, and the genesis refuses one"

// skipReason says whether and why a case is not run.
func skipReason(caseName string) (string, bool) {
	for _, s := range skips {
		if containsAll(caseName, s.words) {
			return s.reason, true
		}
	}
	return "", false
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}
