package rpc

import "github.com/ethereum/go-ethereum/crypto"

func (s *Server) clientVersion(c *call, dst []byte) ([]byte, error) {
	return appendString(dst, s.cfg.ClientVersion), c.args.end()
}

func (s *Server) sha3(c *call, dst []byte) ([]byte, error) {
	data := c.args.bytes()
	if err := c.args.end(); err != nil {
		return dst, err
	}
	return appendData(dst, crypto.Keccak256(data)), nil
}

// netVersion answers with the chain id: this chain has no other network id.
func (s *Server) netVersion(c *call, dst []byte) ([]byte, error) {
	return appendString(dst, s.config.ChainID.String()), c.args.end()
}

func (s *Server) netListening(c *call, dst []byte) ([]byte, error) {
	return appendBool(dst, true), c.args.end()
}

func (s *Server) netPeerCount(c *call, dst []byte) ([]byte, error) {
	return appendQuantity(dst, s.backend.PeerCount()), c.args.end()
}

func (s *Server) rpcModules(c *call, dst []byte) ([]byte, error) {
	o := beginObject(dst)
	for _, module := range s.modules {
		o.key(module)
		o.dst = append(o.dst, `"1.0"`...)
	}
	return o.end(), c.args.end()
}

func (s *Server) txpoolStatus(c *call, dst []byte) ([]byte, error) {
	if err := c.args.end(); err != nil {
		return dst, err
	}
	status, err := s.backend.PoolStatus(c.ctx)
	o := beginObject(dst)
	o.quantity("pending", status.Pending)
	o.quantity("queued", status.Queued)
	return o.end(), err
}

func (s *Server) chainID(c *call, dst []byte) ([]byte, error) {
	return appendBigQuantity(dst, s.config.ChainID), c.args.end()
}

func (s *Server) blockNumber(c *call, dst []byte) ([]byte, error) {
	return appendQuantity(dst, s.backend.HeadNumber()), c.args.end()
}

func (s *Server) syncing(c *call, dst []byte) ([]byte, error) {
	status := s.backend.Syncing()
	if status == nil {
		return appendBool(dst, false), c.args.end()
	}
	o := beginObject(dst)
	o.quantity("startingBlock", status.Starting)
	o.quantity("currentBlock", status.Current)
	o.quantity("highestBlock", status.Highest)
	return o.end(), c.args.end()
}

// accounts answers that the node holds no keys.
func (s *Server) accounts(c *call, dst []byte) ([]byte, error) {
	return append(dst, "[]"...), c.args.end()
}
