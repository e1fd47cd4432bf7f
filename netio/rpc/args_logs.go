package rpc

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// logQuery says which logs a client wants. Without Hash, From and To are the
// ends of a range, both included.
type logQuery struct {
	Hash   *common.Hash
	From   BlockRef
	To     BlockRef
	Filter logFilter
}

func (a *args) logQuery() logQuery {
	text := a.required()
	if text == nil {
		return logQuery{}
	}
	query, err := parseLogQuery(text)
	a.reject(err)
	return query
}

func parseLogQuery(text []byte) (q logQuery, err error) {
	var input struct {
		BlockHash *common.Hash     `json:"blockHash"`
		FromBlock *blockNumberJSON `json:"fromBlock"`
		ToBlock   *blockNumberJSON `json:"toBlock"`
		Address   json.RawMessage  `json:"address"`
		Topics    json.RawMessage  `json:"topics"`
	}
	if err := json.Unmarshal(text, &input); err != nil {
		return q, err
	}
	if input.BlockHash != nil && (input.FromBlock != nil || input.ToBlock != nil) {
		return q, errors.New("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
	}
	q.Hash = input.BlockHash
	if input.FromBlock != nil {
		q.From = BlockRef(*input.FromBlock)
	}
	if input.ToBlock != nil {
		q.To = BlockRef(*input.ToBlock)
	}
	if q.Filter.addresses, err = parseAddresses(input.Address); err != nil {
		return q, err
	}
	q.Filter.topics, err = parseTopics(input.Topics)
	return q, err
}

// parseAddresses reads one address or a list of them.
func parseAddresses(text []byte) ([]common.Address, error) {
	switch {
	case len(text) == 0 || isNull(text):
		return nil, nil
	case text[0] == '"':
		addr, err := parseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("invalid address: %w", err)
		}
		return []common.Address{addr}, nil
	case text[0] != '[':
		return nil, errors.New("invalid addresses in query")
	}
	var addresses []common.Address
	s := scanner{text: text}
	for s.enter(); s.more(); {
		i, item := len(addresses), s.value()
		if i == maxLogAlternatives {
			return nil, errTooManyAlternatives
		}
		if item[0] != '"' {
			return nil, fmt.Errorf("non-string address at index %d", i)
		}
		addr, err := parseAddress(item)
		if err != nil {
			return nil, fmt.Errorf("invalid address at index %d: %w", i, err)
		}
		addresses = append(addresses, addr)
	}
	return addresses, nil
}

// parseTopics reads the topics by position. A position is null for any topic,
// one topic, or a list of alternatives; null in the list makes it any topic.
func parseTopics(text []byte) ([][]common.Hash, error) {
	switch {
	case len(text) == 0 || isNull(text):
		return nil, nil
	case text[0] != '[':
		return nil, errInvalidTopic
	}
	var topics [][]common.Hash
	s := scanner{text: text}
	for s.enter(); s.more(); {
		if len(topics) == maxTopics {
			return nil, errTooManyTopics
		}
		alternatives, err := parseTopicPosition(s.value())
		if err != nil {
			return nil, err
		}
		topics = append(topics, alternatives)
	}
	return topics, nil
}

func parseTopicPosition(text []byte) ([]common.Hash, error) {
	switch {
	case isNull(text):
		return nil, nil
	case text[0] == '"':
		topic, err := parseTopic(text)
		return []common.Hash{topic}, err
	case text[0] != '[':
		return nil, errInvalidTopic
	}
	var alternatives []common.Hash
	s := scanner{text: text}
	for s.enter(); s.more(); {
		item := s.value()
		switch {
		case len(alternatives) == maxLogAlternatives:
			return nil, errTooManyAlternatives
		case isNull(item):
			return nil, nil
		case item[0] != '"':
			return nil, errInvalidTopic
		}
		topic, err := parseTopic(item)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, topic)
	}
	return alternatives, nil
}

var (
	errInvalidTopic        = errors.New("invalid topic(s)")
	errTooManyTopics       = errors.New("exceed max topics")
	errTooManyAlternatives = errors.New("exceed max addresses or topics per search position")
)

func parseAddress(text []byte) (common.Address, error) {
	s, _ := unquote(text)
	raw, err := decodeFixed(string(s), common.AddressLength, "address")
	return common.BytesToAddress(raw), err
}

func parseTopic(text []byte) (common.Hash, error) {
	s, _ := unquote(text)
	raw, err := decodeFixed(string(s), common.HashLength, "topic")
	return common.BytesToHash(raw), err
}
