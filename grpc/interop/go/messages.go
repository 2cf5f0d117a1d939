package main

import "github.com/golang/protobuf/proto"

// The messages of testing.proto, with the tags of generated code: a generator would be another
// package to install.

type Empty struct{}

type EchoStatus struct {
	Code    int32  `protobuf:"varint,1,opt,name=code,proto3"`
	Message string `protobuf:"bytes,2,opt,name=message,proto3"`
	Details []byte `protobuf:"bytes,3,opt,name=details,proto3"`
}

type SimpleRequest struct {
	ResponseSize int32       `protobuf:"varint,1,opt,name=response_size,proto3"`
	Payload      []byte      `protobuf:"bytes,2,opt,name=payload,proto3"`
	Status       *EchoStatus `protobuf:"bytes,3,opt,name=status,proto3"`
	SleepMs      int32       `protobuf:"varint,4,opt,name=sleep_ms,proto3"`
	Panic        bool        `protobuf:"varint,5,opt,name=panic,proto3"`
}

type SimpleResponse struct {
	Payload    []byte `protobuf:"bytes,1,opt,name=payload,proto3"`
	TimeLeftMs int64  `protobuf:"varint,2,opt,name=time_left_ms,proto3"`
}

type OutputRequest struct {
	Sizes   []int32     `protobuf:"varint,1,rep,packed,name=sizes,proto3"`
	Payload []byte      `protobuf:"bytes,2,opt,name=payload,proto3"`
	Status  *EchoStatus `protobuf:"bytes,3,opt,name=status,proto3"`
	SleepMs int32       `protobuf:"varint,4,opt,name=sleep_ms,proto3"`
	Panic   bool        `protobuf:"varint,5,opt,name=panic,proto3"`
}

type OutputResponse struct {
	Payload []byte `protobuf:"bytes,1,opt,name=payload,proto3"`
}

type InputRequest struct {
	Payload []byte `protobuf:"bytes,1,opt,name=payload,proto3"`
}

type InputResponse struct {
	Size int64 `protobuf:"varint,1,opt,name=size,proto3"`
}

func (*Empty) ProtoMessage()          {}
func (*EchoStatus) ProtoMessage()     {}
func (*SimpleRequest) ProtoMessage()  {}
func (*SimpleResponse) ProtoMessage() {}
func (*OutputRequest) ProtoMessage()  {}
func (*OutputResponse) ProtoMessage() {}
func (*InputRequest) ProtoMessage()   {}
func (*InputResponse) ProtoMessage()  {}

func (m *Empty) Reset()          { *m = Empty{} }
func (m *EchoStatus) Reset()     { *m = EchoStatus{} }
func (m *SimpleRequest) Reset()  { *m = SimpleRequest{} }
func (m *SimpleResponse) Reset() { *m = SimpleResponse{} }
func (m *OutputRequest) Reset()  { *m = OutputRequest{} }
func (m *OutputResponse) Reset() { *m = OutputResponse{} }
func (m *InputRequest) Reset()   { *m = InputRequest{} }
func (m *InputResponse) Reset()  { *m = InputResponse{} }

func (m *Empty) String() string          { return proto.CompactTextString(m) }
func (m *EchoStatus) String() string     { return proto.CompactTextString(m) }
func (m *SimpleRequest) String() string  { return proto.CompactTextString(m) }
func (m *SimpleResponse) String() string { return proto.CompactTextString(m) }
func (m *OutputRequest) String() string  { return proto.CompactTextString(m) }
func (m *OutputResponse) String() string { return proto.CompactTextString(m) }
func (m *InputRequest) String() string   { return proto.CompactTextString(m) }
func (m *InputResponse) String() string  { return proto.CompactTextString(m) }
